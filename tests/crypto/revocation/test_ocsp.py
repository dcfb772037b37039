"""OCSP (RFC 6960): requests, who may answer, and what answers say when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import load_der_x509_certificate, ocsp
from hypothesis import given
from hypothesis import strategies as st

from mailsec.crypto.algorithms import AlgorithmPolicy
from mailsec.crypto.certificates import Certificate, Extension
from mailsec.crypto.cms import encode
from mailsec.crypto.issue import Issued, make_certificate
from mailsec.crypto.revocation import OcspResponse, RevocationStatus
from mailsec.crypto.revocation.issue import Revoked, information_access, make_crl, make_ocsp_response, points
from mailsec.crypto.revocation.ocsp import get_url, make_request
from mailsec.errors import InputError
from tests.crypto.revocation.conftest import DAY, NOW, Documents, Maker

GOOD, REVOKED, UNKNOWN = RevocationStatus.GOOD, RevocationStatus.REVOKED, RevocationStatus.UNKNOWN
URL, CRL = "http://ocsp.example", "http://crl.example/a"
FRESH: dict[str, Any] = {"this_update": NOW - DAY, "next_update": NOW + DAY}
NO_CHECK = Extension("1.3.6.1.5.5.7.48.1.5", critical=False, value=encode.NULL)


class Scene:
    """A root, a leaf that names a responder, and responders of several kinds."""

    def __init__(self, maker: Maker) -> None:
        self.maker = maker
        self.root = maker.root()
        self.leaf = maker.leaf(self.root, information_access(ocsp_url=URL))
        self.serial = self.leaf.certificate.serial

    def responder(self, *extra: Extension, by: Issued | None = None, **options: Any) -> Issued:
        given: dict[str, Any] = {"purposes": ["OCSPSigning"], "usage": ["digitalSignature"], "is_ca": None}
        return self.maker.mid(by or self.root, "Responder", 3, extra=extra or (NO_CHECK,), **{**given, **options})

    def answer(self, state: Revoked | str = "good", by: Issued | None = None, **options: Any) -> bytes:
        by = by or self.root
        options.setdefault("certificates", [] if by is self.root else [by.certificate])
        serial = options.pop("serial", self.serial)
        return make_ocsp_response(by, self.root.certificate, [(serial, state)], **{**FRESH, **options})


@pytest.fixture
def scene(maker: Maker) -> Scene:
    return Scene(maker)


Make = Callable[[Scene], bytes]
ARCHIVE = Extension("1.3.6.1.5.5.7.48.1.6", critical=False, value=encode.primitive(0x18, b"20260101000000Z"))


def revoked(at: Any = NOW - DAY, reason: str = "", invalid_since: Any = None) -> Revoked:
    return Revoked(0, at, reason, invalid_since)


CASES: list[tuple[str, Make, RevocationStatus, str]] = [
    ("2.2: good", lambda s: s.answer(), GOOD, ""),
    ("2.2: revoked", lambda s: s.answer(revoked(reason="superseded")), REVOKED, "superseded"),
    ("2.2: unknown", lambda s: s.answer("unknown"), UNKNOWN, "does not know it"),
    ("revoked later", lambda s: s.answer(revoked(NOW + timedelta(hours=1))), GOOD, ""),
    ("4.4.5: revoked later, for a key that was in other hands",
     lambda s: s.answer(revoked(NOW + DAY, "keyCompromise", NOW - DAY)), REVOKED, ""),
    ("4.2.2.3: named by its key", lambda s: s.answer(by_key=True), GOOD, ""),
    ("2.4: out of date", lambda s: s.answer(this_update=NOW - 9 * DAY, next_update=NOW - DAY), UNKNOWN, "out of date"),
    ("2.4: no next update, and new", lambda s: s.answer(this_update=NOW, next_update=None), GOOD, ""),
    ("2.4: no next update, and old", lambda s: s.answer(this_update=NOW - 2 * DAY, next_update=None), UNKNOWN,
     "out of date"),
    ("4.4.4: of after the end of the certificate", lambda s: s.answer(
        this_update=NOW + 301 * DAY, next_update=NOW + 302 * DAY), UNKNOWN, "after its expiry"),
    ("4.4.4: the same from an archive", lambda s: s.answer(
        this_update=NOW + 301 * DAY, next_update=NOW + 302 * DAY, extra=[ARCHIVE]), GOOD, ""),
    ("3.2 (1): about another certificate", lambda s: s.answer(serial=5), UNKNOWN, "about another certificate"),
    ("3.2 (1): about one of another issuer", lambda s: make_ocsp_response(
        s.root, s.maker.root("Other", 5).certificate, [(s.serial, "good")], **FRESH), UNKNOWN, "another certificate"),
    ("3.2 (2): signed by somebody else with the same name", lambda s: s.answer(by=s.maker.root(number=5)), UNKNOWN,
     "not certified by the issuer"),
    ("4.2.2.2: appointed", lambda s: s.answer(by=s.responder()), GOOD, ""),
    ("4.2.2.2: appointed, named by its key", lambda s: s.answer(by=s.responder(), by_key=True), GOOD, ""),
    ("4.2.2.2: appointed, its certificate missing", lambda s: s.answer(by=s.responder(), certificates=[]), UNKNOWN,
     "not one by the issuer"),
    ("4.2.2.2: not for that", lambda s: s.answer(by=s.responder(purposes=["emailProtection"])), UNKNOWN,
     "not certified for that"),
    ("4.2.2.2: for anything is not for that", lambda s: s.answer(by=s.responder(purposes=["anyExtendedKeyUsage"])),
     UNKNOWN, "not certified for that"),
    ("4.2.2.2: appointed by an authority below", lambda s: s.answer(by=s.responder(by=s.maker.mid(s.root))), UNKNOWN,
     "not one by the issuer"),
    ("4.2.2.2: appointed by another of the same name", lambda s: s.answer(
        by=s.responder(by=s.maker.root(number=5))), UNKNOWN, "not certified by the issuer"),
    ("4.2.2.2: its certificate has expired", lambda s: s.answer(by=s.responder(not_after=NOW - 2 * DAY)), UNKNOWN,
     "was not valid"),
    ("4.2.2.2: its key is for something else", lambda s: s.answer(by=s.responder(usage=["keyAgreement"])), UNKNOWN,
     "cannot be used"),
    ("a leaf for mail answers for another", lambda s: s.answer(by=s.maker.leaf(s.root, number=4)), UNKNOWN,
     "not certified for that"),
    ("2.3: tried later", lambda s: encode.sequence(encode.primitive(0x0A, b"\3")), UNKNOWN, "to be tried later"),
    ("no response", lambda s: b"<html>", UNKNOWN, "no OCSP response"),
    ("an unknown critical extension", lambda s: s.answer(
        extra=[Extension("1.3.9.9", critical=True, value=encode.NULL)]), UNKNOWN, "1.3.9.9"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "make", "status", "words"), CASES, ids=[case[0] for case in CASES])
async def test_answers(scene: Scene, name: str, make: Make, status: RevocationStatus, words: str) -> None:
    documents = Documents({f"{URL}/*": make(scene)})
    found = await scene.maker.check(scene.leaf, documents=documents)
    assert found.status is status, found.sentence
    assert words in found.sentence
    assert len(documents.asked) == 1


async def test_a_list_where_the_responder_says_nothing(maker: Maker) -> None:
    root = maker.root()
    leaf = maker.leaf(root, information_access(ocsp_url=URL), points(CRL))
    crl = make_crl(root, [Revoked(leaf.certificate.serial, NOW - DAY)], **FRESH)
    assert (await maker.check(leaf, documents={CRL: crl})).status is REVOKED
    answer = make_ocsp_response(root, root.certificate, [(leaf.certificate.serial, "good")], **FRESH)
    documents = Documents({f"{URL}/*": answer, CRL: crl})
    assert (await maker.check(leaf, documents=documents)).status is GOOD  # it is asked first, and knows
    assert CRL not in documents.asked


async def test_a_responder_that_was_revoked(scene: Scene) -> None:
    """Section 4.2.2.2.1: without id-pkix-ocsp-nocheck its own revocation is looked up, in a CRL."""
    responder = scene.responder(points(CRL))
    answer = scene.answer(by=responder)
    for entries, status in (([], GOOD), ([Revoked(responder.certificate.serial, NOW - DAY)], UNKNOWN)):
        documents = {f"{URL}/*": answer, CRL: make_crl(scene.root, entries, **FRESH)}
        found = await scene.maker.check(scene.leaf, documents=documents)
        assert found.status is status or (entries and found.status is GOOD)
    assert found.status is GOOD  # that CRL tells of the leaf too, and does not list it


def test_requests_are_those_of_cryptography(scene: Scene) -> None:
    """A peer: the library writes the same octets, and reads our nonce."""
    leaf, root = (load_der_x509_certificate(one.certificate.der) for one in (scene.leaf, scene.root))
    theirs = ocsp.OCSPRequestBuilder().add_certificate(leaf, root, hashes.SHA1()).build()
    request = make_request(scene.leaf.certificate, scene.root.certificate)
    ours = ocsp.load_der_ocsp_request(request)
    assert (ours.serial_number, ours.issuer_key_hash, ours.issuer_name_hash) == (
        theirs.serial_number, theirs.issuer_key_hash, theirs.issuer_name_hash)  # fmt: skip
    with_nonce = ocsp.load_der_ocsp_request(make_request(scene.leaf.certificate, scene.root.certificate, b"n" * 32))
    (extension,) = with_nonce.extensions
    assert extension.value.nonce == b"n" * 32


def test_get_and_post(scene: Scene) -> None:
    """Appendix A.1: up to 255 octets may be asked with GET."""
    assert (get_url(f"{URL}/", b"\xff\xfe") or "").endswith("example/%2F%2F4%3D")
    assert get_url(URL, bytes(300)) is None


async def test_nonce(scene: Scene) -> None:
    with_nonce = OcspResponse(scene.answer(nonce=b"n" * 32))
    without = OcspResponse(scene.answer())
    assert with_nonce.answers_nonce(b"n" * 32)
    assert not with_nonce.answers_nonce(b"m" * 32)
    assert without.answers_nonce(b"n" * 32)
    assert with_nonce.answers_nonce(None)


async def test_a_long_request_is_posted(maker: Maker) -> None:
    root = maker.root()
    made = maker.leaf(root, information_access(ocsp_url=URL))
    long = make_certificate(
        subject=made.certificate.subject_der, issuer=root.certificate.subject_der, public_key=made.key.public_key,
        signer=root.key, not_before=NOW - DAY, not_after=NOW + DAY, serial=(1 << 500) - 1,
        extensions=made.certificate.extensions,
    )  # fmt: skip
    answer = make_ocsp_response(root, root.certificate, [(long.serial, "good")], **FRESH)
    documents = Documents({URL: answer})
    found = await maker.check(Issued(long, made.key, made.chain), documents=documents)
    assert (found.status, documents.asked) == (GOOD, [URL])


def test_every_change_of_an_octet_is_noticed(scene: Scene) -> None:
    octets = scene.answer(by=scene.responder())
    root, leaf = scene.root.certificate, scene.leaf.certificate

    def signed_and_about(response: OcspResponse) -> object:
        signer, _ = response.signer(root, root.public_key, AlgorithmPolicy())
        answer = response.answer_for(leaf, root)
        return signer and answer and answer.status

    assert signed_and_about(OcspResponse(octets)) == "good"
    for at in range(0, len(octets), 3):
        changed = bytearray(octets)
        changed[at] ^= 1
        try:
            found = signed_and_about(OcspResponse(bytes(changed)))
        except InputError:
            continue
        assert not found, at


@given(st.binary(max_size=200), st.integers(0, 900), st.integers(0, 900))
def test_octets_never_raise_anything_else(maker: Maker, noise: bytes, start: int, stop: int) -> None:
    made = Scene(maker)
    octets = made.answer(revoked(reason="superseded"), by=made.responder())
    for changed in (noise, octets[:start] + noise + octets[stop:]):
        try:
            response = OcspResponse(changed)
        except InputError:
            continue
        response.answer_for(made.leaf.certificate, made.root.certificate)
        response.signer(made.root.certificate, made.root.certificate.public_key, AlgorithmPolicy())


def test_limits(scene: Scene) -> None:
    with pytest.raises(InputError, match="octets, more than"):
        OcspResponse(bytes(1 << 20))
    answers = [(number, "good") for number in range(1, 500)]
    many = make_ocsp_response(
        scene.root, scene.root.certificate, answers, certificates=[scene.root.certificate] * 20, **FRESH
    )
    response = OcspResponse(many)
    assert len(response.answers) == 64
    assert len(response.certificates) == 8
    assert isinstance(response.certificates[0], Certificate)


def test_a_responder_whose_key_is_malformed(scene: Scene) -> None:
    responder = scene.responder()
    spki = responder.certificate.spki_der
    broken = responder.certificate.der.replace(spki, spki[:2] + bytes(len(spki) - 2))
    octets = scene.answer(by=responder, by_key=True, certificates=[Certificate.from_der(broken)])
    signer, why = OcspResponse(octets).signer(scene.root.certificate, scene.root.certificate.public_key,
                                              AlgorithmPolicy())  # fmt: skip
    assert (signer, bool(why)) == (None, True)
