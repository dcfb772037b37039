"""Single octets changed in signed messages: what alters the signed never passes, what does not still passes."""

from __future__ import annotations

import base64
import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from mailsec.crypto.cms import parse_signed_data
from mailsec.crypto.cms.tlv import Element, read
from mailsec.message import parse

pytestmark = pytest.mark.peer

ENTITY = (
    b"Content-Type: multipart/alternative; boundary=alt\r\n\r\npreamble\r\n--alt\r\nContent-Type: text/plain\r\n\r\n"
    b"Hello Bob,\r\n\r\n\tthis is Alice. \r\n--alt\r\nContent-Type: text/html\r\n\r\n<p>Hello Bob\r\n--alt--\r\n"
)
HEADER = b"Received: from a by b\r\nFrom: Alice <alice@example.org>\r\nTo: bob@example.org\r\nSubject: Hello\r\n"


def clear(signature: bytes) -> bytes:
    return b"".join(
        (
            HEADER,
            b"MIME-Version: 1.0\r\nContent-Type: multipart/signed; protocol=application/pkcs7-signature;\r\n",
            b" micalg=sha-256; boundary=outer\r\n\r\nThis is a signed message.\r\n--outer\r\n",
            ENTITY,
            b"\r\n--outer\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\n",
            b"Content-Transfer-Encoding: base64\r\n\r\n",
            base64.encodebytes(signature).replace(b"\n", b"\r\n"),
            b"\r\n--outer--\r\nepilogue\r\n",
        )
    )


def changed(octets: bytes, at: int, value: int) -> bytes:
    return octets[:at] + bytes((value,)) + octets[at + 1 :]


def places(octets: bytes, start: int, stop: int, count: int) -> Iterator[tuple[int, int]]:
    """Places spread over a range, each with another value for the octet: a bit flipped, or a neighbour."""
    step = max(1, (stop - start) // count)
    flips = itertools.cycle((0x01, 0x20, 0x80, 0x04, 0x40))
    for at in range(start, stop, step):
        yield at, octets[at] ^ next(flips)


def elements(cms: bytes) -> dict[str, tuple[int, int]]:
    """Where things lie in a SignedData."""

    def inner(element: Element, index: int) -> Element:
        return list(element.children())[index]

    signed = inner(inner(read(cms), 1), 0)
    members = list(signed.children())
    signer = inner(members[-1], 0)
    fields = list(signer.children())
    certificates = next(member for member in members if member.tag == 0x80)
    own = inner(certificates, 0)
    return {
        "certificate": (own.start, own.stop),
        "signed attributes": (fields[3].start, fields[3].stop),
        "signature value": (fields[5].body, fields[5].end),
        "signer identifier": (fields[1].start, fields[1].stop),
        "content type": (next(members[2].children()).start, members[2].stop),
    }


ALLOWED = {
    "signed header": {"fail digest"},
    "signed body": {"fail digest"},
    "signature value": {"fail signature"},
    # A change of their form is found before their signature is tried.
    "signed attributes": {"fail signature", "permerror syntax"},
    # The certificate may name another signer, have another key, or be none; otherwise its own signature is wrong.
    "certificate": {"policy untrusted", "fail signature", "permerror unsupported", "permerror syntax"},
    # Not signed itself: it names no certificate any more, or still the same, as case in names does not count.
    "signer identifier": {"permerror unsupported", "permerror syntax", "pass None"},
    "content type": {"permerror syntax", "permerror unsupported"},
}


@pytest.mark.parametrize("kind", ["rsa", "p256"])
def test_changes_that_alter_what_is_signed(openssl: Any, pki: Any, open_message: Any, figure: Any, kind: str) -> None:
    cms = openssl("cms", "-sign", "-binary", "-outform", "DER", *pki.files(kind), stdin=ENTITY)
    assert outcome(open_message(clear(cms))) == "pass None"
    found: Counter[tuple[str, str]] = Counter()
    wrong = []

    def look(where: str, octets: bytes, at: int) -> None:
        result = outcome(open_message(octets))
        found[where, result] += 1
        if result not in ALLOWED[where]:
            wrong.append((where, at, result))

    message = clear(cms)
    start = message.index(ENTITY)
    body = start + ENTITY.index(b"\r\n\r\n")
    for where, first, last, count in [
        ("signed header", start, body, 50),
        ("signed body", body, start + len(ENTITY), 110),
    ]:
        for at, value in places(message, first, last, count):
            look(where, changed(message, at, value), at)
    for where, (first, last) in elements(cms).items():
        for at, value in places(cms, first, last, 90 if where == "certificate" else 60):
            look(where, clear(changed(cms, at, value)), at)
    for (where, result), count in sorted(found.items()):
        figure(f"S/MIME, {kind}, single octets of the {where} changed: {count} end as {result}")
    altering = sum(count for (_, result), count in found.items() if result != "pass None")
    figure(f"S/MIME, {kind}: {altering} changes alter what is signed, {len(wrong)} judged otherwise than expected")
    assert not wrong
    assert altering >= 200


def outcome(opened: Any) -> str:
    if opened is None:
        return "not S/MIME"
    (result,) = opened.results
    assert (result.coverage is not None) == (str(result.result) in ("pass", "policy"))
    return f"{result.result} {result.cause}"


def test_changes_that_do_not_matter(openssl: Any, pki: Any, open_message: Any, figure: Any, tmp_path: Any) -> None:
    """Outer fields, preamble, epilogue, the micalg hint, base64 folding, versions, and unsigned attributes."""
    (tmp_path / "content").write_bytes(ENTITY)
    cms = openssl("cms", "-sign", "-binary", "-outform", "DER", *pki.files("rsa"), stdin=ENTITY)
    message = clear(cms)
    found: Counter[str] = Counter()

    def still(where: str, octets: bytes) -> None:
        assert octets != message
        assert outcome(open_message(octets)) == "pass None", where
        found[where] += 1

    for where, text in [
        ("outer fields", b"from a by b"),
        ("outer fields", b"bob@example.org"),
        ("outer fields", b"Hello\r\n"[:-2]),
        ("preamble", b"This is a signed message."),
        ("epilogue", b"epilogue"),
        ("micalg", b"sha-256"),
    ]:
        at = message.index(text)
        for offset in range(len(text)):
            still(where, changed(message, at + offset, ord("y" if text[offset : offset + 1] == b"x" else "x")))
    armour = message.index(b"base64\r\n\r\n") + 10
    lines = message[armour : message.index(b"\r\n\r\n--outer--")].split(b"\r\n")
    for index in range(len(lines) - 1):
        at = armour + sum(len(line) + 2 for line in lines[:index]) + len(lines[index])
        still("base64 folding", changed(message, at, ord(" ")))
    # An unsigned attribute, and versions, which say nothing that the structure does not say itself.
    with_unsigned = add_unsigned_attribute(cms)
    assert outcome(open_message(clear(with_unsigned))) == "pass None"
    value = with_unsigned.index(b"nobody has signed this")
    for offset in range(len(b"nobody has signed this")):
        still("unsigned attributes", clear(changed(with_unsigned, value + offset, ord("x"))))
    figure(f"S/MIME: {found.total()} changes do not matter, all still pass: {dict(found)}")
    assert found.total() >= 100


def add_unsigned_attribute(cms: bytes) -> bytes:
    from mailsec.crypto.cms import encode
    from mailsec.crypto.cms.tlv import context

    def replace(element: Element, index: int, member: bytes) -> bytes:
        members = [bytes(child.raw) for child in element.children()]
        members[index] = member
        return encode.constructed(element.tag, *members)

    outer = read(cms)
    wrapped = list(outer.children())[1]
    signed = next(wrapped.children())
    signers = list(signed.children())[-1]
    signer = next(signers.children())
    attribute = encode.sequence(encode.oid("1.2.3.4"), encode.set_of((encode.octet_string(b"nobody has signed this"),)))
    unsigned = encode.constructed(context(1), attribute)
    made = encode.constructed(signer.tag, *(bytes(child.raw) for child in signer.children()), unsigned)
    made = replace(signers, 0, made)
    made = replace(signed, -1, made)
    made = replace(outer, 1, encode.constructed(wrapped.tag, made))
    assert parse_signed_data(made).signers[0].unsigned_attributes
    return made


def test_opaque_messages_changed_anywhere(openssl: Any, pki: Any, open_message: Any, figure: Any) -> None:
    """Each octet of a streamed opaque message is changed in turn: what passes still holds what was signed."""
    cms = openssl(
        "cms", "-sign", "-binary", "-outform", "DER", "-nodetach", "-stream", *pki.files("p256"), stdin=ENTITY
    )
    found: Counter[str] = Counter()
    for at in range(len(cms)):
        armoured = base64.encodebytes(changed(cms, at, cms[at] ^ 1))
        opened = open_message(
            HEADER + b"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n" + armoured
        )
        result = outcome(opened)
        found[result] += 1
        if result == "pass None":
            assert bytes(opened.octets) == ENTITY, at
    figure(f"S/MIME, opaque and streamed: {found.total()} changes end as {dict(found)}; what passes is as signed")
    assert parse(HEADER).header
