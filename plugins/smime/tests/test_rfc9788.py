"""The signed samples of RFC 9788 appendix C.2, by the sample authority of RFC 9216.

Source of the octets: RFC 9788, copyright 2025 IETF Trust and its authors, appendices C.2.2, C.2.4 and C.2.6. Its text
has lost the blank at the end of the line before a name, which is put back here. The authority itself is not in that
document, so that Alice's own certificate is the anchor.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from typing import Any

import pytest

from mailsec.crypto import Certificate, MemoryKeyRing
from mailsec.crypto.cms import parse_signed_data
from mailsec.hooks import Opener
from mailsec.hooks.manager import Registered
from mailsec.message import parse
from mailsec.pipeline import FieldState, Report, Runner, Services
from mailsec.testing import make_resolver
from mailsec_smime.opening import CONTENT_TYPES, open_part

# All signatures of Alice's begin alike, down to the time of signing.
CERTIFICATES = """
MIIJ4AYJKoZIhvcNAQcCoIIJ0TCCCc0CAQExDTALBglghkgBZQMEAgEwCwYJKoZI
hvcNAQcBoIIHpjCCA88wggK3oAMCAQICEw8tJb0ROZdKzkJUh6HuPTQGirQwDQYJ
KoZIhvcNAQENBQAwVTENMAsGA1UEChMESUVURjERMA8GA1UECxMITEFNUFMgV0cx
MTAvBgNVBAMTKFNhbXBsZSBMQU1QUyBSU0EgQ2VydGlmaWNhdGlvbiBBdXRob3Jp
dHkwIBcNMTkxMTIwMDY1NDE4WhgPMjA1MjA5MjcwNjU0MThaMDsxDTALBgNVBAoT
BElFVEYxETAPBgNVBAsTCExBTVBTIFdHMRcwFQYDVQQDEw5BbGljZSBMb3ZlbGFj
ZTCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEBAJqVKfqLwaLjj+gBUCfk
acKTg8cc2OtJ9ZSed6U3jUoiZVpMLcP3MUKtLeLg9r1mAfIDlB/wlbdmadXPmrsz
yidmbuZmOpB5voVQfiLYYy3iOx7YOqzXrl6udP07k0sV+UdSNRFxrfKeoQEFXgOa
Gdmnx4OG/e3p1fIKM0dPzZLoOAJF5m5O0xzXPL74zFCWp2f1ZkuE4A6l41koaZXC
N5XL7wWTLMLeNf9Byb5ksKqUuqEHAMd1nmoNMgjY9VfVfcrv9w43GG8FtpSX+TWz
B2zNS2OF+XIVnzRG5DeoULq8v88Z5bLpIJ/nx26r8A4SSwIBaVv4wPxAf1iPsIVK
arUCAwEAAaOBrzCBrDAMBgNVHRMBAf8EAjAAMBcGA1UdIAQQMA4wDAYKYIZIAWUD
AgEwATAeBgNVHREEFzAVgRNhbGljZUBzbWltZS5leGFtcGxlMBMGA1UdJQQMMAoG
CCsGAQUFBwMEMA4GA1UdDwEB/wQEAwIFIDAdBgNVHQ4EFgQUolNB1UQ8gCkVfAEj
8OeOr83zdw8wHwYDVR0jBBgwFoAUkTCOfAcXDKfxCShlNhpnHGh29FkwDQYJKoZI
hvcNAQENBQADggEBAIFJeKCcsTKcFqQMpTryujRGzJdYA+R9eBAuDLsatbtKtl4F
zkgRyOg31/+Cw7H8e30iLrPIFlWN1qjHrjgOyIs5AQ/hgxLvLir3hEUV2Z3MRsMt
jH2x9SG91PEM046gfPnc9gMGHjMTg1qvaKcLQP5UzpEYPLror2X4P5uXxaP0LIZR
zWmkw1RF7FOD7PfB5v94M5274XYxW2W4uKGd7QGnUZROSvSYkGiWDp1JhqXwfDz8
A0enITGXnoEkAFvvjiCqh64P1hIeMorj36pgL19oWZD6YrzSWHUz1F00juyuOfQs
qm6hvrDTqNpHNZ015fOURza1SkCvi9GFmNUPoVgwggPPMIICt6ADAgECAhM3QQV5
7XV/QqmiXDr0+GrOmqnXMA0GCSqGSIb3DQEBDQUAMFUxDTALBgNVBAoTBElFVEYx
ETAPBgNVBAsTCExBTVBTIFdHMTEwLwYDVQQDEyhTYW1wbGUgTEFNUFMgUlNBIENl
cnRpZmljYXRpb24gQXV0aG9yaXR5MCAXDTE5MTEyMDA2NTQxOFoYDzIwNTIwOTI3
MDY1NDE4WjA7MQ0wCwYDVQQKEwRJRVRGMREwDwYDVQQLEwhMQU1QUyBXRzEXMBUG
A1UEAxMOQWxpY2UgTG92ZWxhY2UwggEiMA0GCSqGSIb3DQEBAQUAA4IBDwAwggEK
AoIBAQC09InoWDgWPk2af0+StijSNOR8K/hN8D+l078oullsk4ASvSwjsCNo7sHU
a4xQUl5JO6VqY18LANwORjrc9BaX4MguzsbFXBe6uFh1mVpXmFxSpUByQ+950MFz
/evPgP96wV+z4TtAwW2Z34rTiz4DxMI07XYNFUEOls/gkUP2GxzymsO2kaYWTut3
SryCqeHEFbZFkB4urMk4xrIJC3CzWruS2Q0FHbBlfkgKN5wXVgkWFfiOucfCn+IQ
saqpo1d3f9jSkbtAV5w3vzfog8919MxKI9H6l4KuElnAtJ7BtZcsl7dUy9u9COgE
ykRiVokFQgqQ7XNDU+r3SeOWwks7AgMBAAGjga8wgawwDAYDVR0TAQH/BAIwADAX
BgNVHSAEEDAOMAwGCmCGSAFlAwIBMAEwHgYDVR0RBBcwFYETYWxpY2VAc21pbWUu
ZXhhbXBsZTATBgNVHSUEDDAKBggrBgEFBQcDBDAOBgNVHQ8BAf8EBAMCBsAwHQYD
VR0OBBYEFLv2zLItHQYSHJeuKWqQENMgZmZzMB8GA1UdIwQYMBaAFJEwjnwHFwyn
8QkoZTYaZxxodvRZMA0GCSqGSIb3DQEBDQUAA4IBAQBziaI2p86poGkjd/4KkkOH
G25nY/0eNARD6/oF0/sYonX2doizcGMk53riugAocCn5zbzhW/JVdYn30UxfyrZl
RAzEf7GHqgB/NyjOad3pdpVYeDh4ciNKjbs+aEoTWgAkoqENt1sRxlcvb7HVX524
bKZa1oPTUNlm6QpivtqDIdqGJdGf8L1zLfXBuo2zL3HR+M9CDr4Opq2JCkzP0Qhp
7poIccGE6I9Tsg+RrOA9iCQsPn1+Tg8YedjGzUWF07rNmT0TzPCVzUAuBlr+JJtz
OKypyQ3eoZ6EPazXqMyHAVcsm0GI364IOA0b8PSrJNtjh+AqJ5QfH+0e7NSzNnEm
MYICADCCAfwCAQEwbDBVMQ0wCwYDVQQKEwRJRVRGMREwDwYDVQQLEwhMQU1QUyBX
RzExMC8GA1UEAxMoU2FtcGxlIExBTVBTIFJTQSBDZXJ0aWZpY2F0aW9uIEF1dGhv
cml0eQITN0EFee11f0Kpolw69Phqzpqp1zALBglghkgBZQMEAgGgaTAYBgkqhkiG
"""

HEADER = """\
MIME-Version: 1.0
Content-Type: multipart/signed;
 protocol="application/pkcs7-signature"; boundary="{boundary}";
 micalg="sha-256"
{fields}
--{boundary}
{entity}
--{boundary}
Content-Transfer-Encoding: base64
Content-Type: application/pkcs7-signature; name="smime.p7s"
{signature}
--{boundary}--
"""
FIELDS = """\
Subject: {name}
Message-ID: <{name}@example>
From: Alice <alice@smime.example>
To: Bob <bob@smime.example>
Date: Sat, 20 Feb 2021 {time}:02 -0500
User-Agent: Sample MUA Version 1.0
"""
IMAGE = """\
Content-Type: image/png
Content-Transfer-Encoding: base64
Content-Disposition: inline

iVBORw0KGgoAAAANSUhEUgAAABQAAAAUCAYAAACNiR0NAAAAcElEQVR42uVTOxbA
MAgS739nO3TpRw20dqpbfARQEjOywiwYnCtkDKnbcLk66sqlT+zt9cidkE+6KwkZ
sgrzfcqVMpL2jo0447gYDpeArk+OnJHkIhAfTPRicihAf5YJrw7vjv0ZWRWM/uli
vdPf1QZ2kDD9xppd8wAAAABJRU5ErkJggg==
"""
MULTIPART = """\
--{outer}
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="{inner}"

--{inner}
Content-Type: text/plain; charset="us-ascii"
MIME-Version: 1.0
Content-Transfer-Encoding: 7bit

This is the
{name}
message.

{text}

--@
Alice
alice@smime.example
--{inner}
Content-Type: text/html; charset="us-ascii"
MIME-Version: 1.0
Content-Transfer-Encoding: 7bit

<html><head><title></title></head><body>
<p>This is the
<b>{name}</b>
message.</p>
<p>{text}</p>
<p><tt>-- <br/>Alice<br/>alice@smime.example</tt></p></body></html>
--{inner}--

--{outer}
{image}
--{outer}--
"""
SIMPLE = """\
MIME-Version: 1.0
Content-Transfer-Encoding: 7bit
{fields}Content-Type: text/plain; charset="utf-8"; hp="clear"

This is the
smime-multipart-hp
message.

This is a signed-only S/MIME message via PKCS#7 detached
signature (multipart/signed).  The payload is a text/plain
message. It uses the Header Protection scheme from RFC 9788.

--@
Alice
alice@smime.example
"""
COMPLEX = """\
MIME-Version: 1.0
{fields}Content-Type: multipart/mixed; boundary="550"; hp="clear"

{body}"""
OLDER = """\
MIME-Version: 1.0
Content-Type: message/rfc822

MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="cf8"
{fields}
{body}"""
ABOUT = """\
This is a signed-only S/MIME message via PKCS#7 detached
signature (multipart/signed).  The payload is a
multipart/alternative message with an inline image/png
attachment. It uses the """

TAILS = {
    "C.2.2": """\
9w0BCQMxCwYJKoZIhvcNAQcBMBwGCSqGSIb3DQEJBTEPFw0yMTAyMjAxNTA3MDJa
MC8GCSqGSIb3DQEJBDEiBCAfybSsej+1D6r16hb18FcqV4ucPU0CgwMlVVH7gTaP
3TANBgkqhkiG9w0BAQEFAASCAQBwlRSGR8OZHFa+8cUc5th58+DiNkwKWqz4pWWX
0QP9uuxRZjE8Dtg7b88d0HtZWL98qAp+bjFK8ElktpuBiS5Nuiy+Zm3XnMU5GhCM
ywIPUAPJA6jvibT5fzYvMGV11RBmrTFNBZxxrJOAWfGfqf96vx9VajBVbyXdXnV7
hnQCx8wsbIOrbRUUVJHBGqpx+j+bIoUmg3uKxOYkZFz9IShmq8fzsW/CVTBMLfoT
qle2y+4H+RlGioqz8Mvs+XXbL5MG1r5PGjgpa9hHxPKdbFQCoWIJMA6xJNKgeuoN
rA3kHbrX/5Gn9eK8vE5eI6rpEurDGYkws6A9Z/tvsR7Gm9Ia
""",
    "C.2.4": """\
9w0BCQMxCwYJKoZIhvcNAQcBMBwGCSqGSIb3DQEJBTEPFw0yMTAyMjAxNzA3MDJa
MC8GCSqGSIb3DQEJBDEiBCAHedgXF/1PPCnjTbv4CNkHl6SU0FJSW9ykndUZcVnS
czANBgkqhkiG9w0BAQEFAASCAQCYePlJ3K4FtJC/4snTsO8l+p0qEkpFh4swjQTG
WUhZHrdzb4kvHTCaoH5ShpVxZ4FOp1InabzulsB1P9m5xDvZveUMaCiC/qgSS+st
KdklsWANoTgTlAAGs9og6Wp5Nq/evf8XIYdQV0ZXavzASl/yylz2uHTpW1ETxTlZ
fkgSqb8X/zRaVGoai20aVbmsIJFrVPIlkpgh+r8tbJOm4791cCU/8lIdreynoUKq
Bsa2Y/uhoez/pldX/5A7Rv+JX2vdt71C2BZAk4166wvDhhlHf9pVCWXdKXSh99c6
Do1TzpnakOm4bKSzPMXTrz1p5GcfDzO94kbNImkcdr8yAdcB
""",
    "C.2.6": """\
9w0BCQMxCwYJKoZIhvcNAQcBMBwGCSqGSIb3DQEJBTEPFw0yMTAyMjAxNzI3MDJa
MC8GCSqGSIb3DQEJBDEiBCA9qnCv8hrAl02HDXOOfVNCH7ucDtJ3vYdKv0vdCnWz
SDANBgkqhkiG9w0BAQEFAASCAQBp4hNammJHK5hpd7ha6lzKahf9hoZZS6TPNUCD
plGKSjV4XN7pLxDu3wXAuzon2zV0FxeA1MG6gZgdSBy/5nGivTc/NBOmXJtlNOUV
6b+IiQ1ZgJcWG6R2Pi0bE+NfadPhxvekgmCNTNl0jHQkXn+ABstolOZ+0QnY7TPe
6JoT6HHamKbV0L1/gkEEQtSvOkaDaZllA+if+Qkb6xus1QA3FGzScPpcryTvupsO
wNIlNwiRTT1Kvk7uMxJkWTvfZnWh2UOh7lJAkXbRfMwXwmnVnVooCFHWWpUBVPnn
URqYcZhz+4DJc9iim5CqXRZzIF6t6fioS8lCBalaWRy4AaEJ
""",
}


def sample(section: str) -> bytes:
    """A sample with CRLF as line ends."""
    if section == "C.2.2":
        name, time, boundary = "smime-multipart-hp", "10:07", "54f"
        fields = FIELDS.format(name=name, time=time)
        entity = SIMPLE.format(fields=fields)
    else:
        old = section == "C.2.6"
        name = "smime-multipart-complex-rfc8551hp" if old else "smime-multipart-complex-hp"
        fields = FIELDS.format(name=name, time="12:27" if old else "12:07")
        scheme = (
            "legacy RFC 8551 Header Protection\n(RFC8551HP) scheme."
            if old
            else "Header Protection scheme from RFC 9788."
        )
        outer, inner, boundary = ("cf8", "e8a", "740") if old else ("550", "fcd", "a64")
        body = MULTIPART.format(outer=outer, inner=inner, name=name, text=ABOUT + scheme, image=IMAGE)
        entity = (OLDER if old else COMPLEX).format(fields=fields, body=body)
    signature = CERTIFICATES + TAILS[section]
    text = HEADER.format(boundary=boundary, fields=fields, entity=entity, signature=signature)
    return text.replace("--@\n", "-- \n").replace("\n", "\r\n").encode()


@pytest.fixture(scope="session")
def judged(now: Any) -> Callable[..., Any]:
    signed = parse_signed_data(b64decode(CERTIFICATES + TAILS["C.2.2"]))
    (alice,) = (one for one in signed.certificates if "digitalSignature" in (one.key_usage or ()))

    class Trust:
        def anchors(self) -> list[Certificate]:
            return [alice]

        def trusted_for(self, address: str) -> list[Certificate]:
            del address
            return []

    opener = Opener(name="smime", methods=("smime",), content_types=CONTENT_TYPES, open=open_part)
    services = Services(make_resolver(""), trust=Trust(), keys=MemoryKeyRing())

    async def run(octets: bytes) -> Report:
        return await Runner([], [Registered(opener, "smime")], services=services, clock=lambda: now).check(
            parse(octets)
        )

    return run


@pytest.mark.parametrize("section", TAILS)
async def test_the_signed_samples(judged: Any, section: str) -> None:
    """What the appendix says of each: signed-only, with all its header fields."""
    report = await judged(sample(section))
    assert report.verdict.sentence == "alice@smime.example signed the whole body and its header."
    assert report.shown.scheme == ("rfc8551" if section == "C.2.6" else "rfc9788")
    assert {one.field.key: one.state for one in report.shown} == dict.fromkeys(
        ("subject", "message-id", "from", "to", "date", "user-agent"), FieldState.SIGNED
    )


@pytest.mark.parametrize("section", TAILS)
@pytest.mark.parametrize("name", [b"Subject: smime", b"User-Agent: Sample", b"To: Bob"])
async def test_a_sample_whose_fields_were_changed(judged: Any, section: str, name: bytes) -> None:
    """Outside nothing comes of it; inside the signature fails."""
    octets = sample(section)
    outside = await judged(octets.replace(name, name + b"X", 1))
    assert (outside.verdict.level, outside.shown.subject[:6]) == ("verified", "smime-")
    head, found, rest = octets.rpartition(name)
    assert str((await judged(head + found + b"X" + rest)).verdict.level) == "failed"
