"""CRLs (RFC 5280 sections 5 and 6.3.3): which ones count for which certificate, and what they say when.

PKITS has more of them; see test_pkits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsec.crypto import PathValidator
from mailsec.crypto.certificates import Extension
from mailsec.crypto.cms import encode
from mailsec.crypto.issue import Issued
from mailsec.crypto.limits import REVOCATION_LIMITS
from mailsec.crypto.revocation import RevocationChecker, RevocationList, RevocationStatus
from mailsec.crypto.revocation.issue import Revoked, delta_indicator, issuing_point, make_crl, points
from mailsec.crypto.schemes import RSA_SHA1
from mailsec.errors import InputError
from tests.crypto.revocation.conftest import DAY, NOW, Documents, Maker

GOOD, REVOKED, UNKNOWN = RevocationStatus.GOOD, RevocationStatus.REVOKED, RevocationStatus.UNKNOWN
URL, OTHER = "http://crl.example/a", "http://crl.example/b"
FRESH: dict[str, Any] = {"this_update": NOW - DAY, "next_update": NOW + DAY}
UNKNOWN_EXTENSION = Extension("1.3.9.9", critical=True, value=encode.NULL)


@dataclass
class Scene:
    """A root with a leaf below, and its CRLs."""

    maker: Maker
    root: Issued
    leaf: Issued

    def entry(self, at: Any = NOW - 2 * DAY, reason: str = "", **options: Any) -> Revoked:
        return Revoked(self.leaf.certificate.serial, at, reason, **options)

    def crl(self, *entries: Any, by: Issued | None = None, **options: Any) -> bytes:
        return make_crl(by or self.root, entries, **{**FRESH, **options})


@pytest.fixture
def scene(maker: Maker) -> Scene:
    root = maker.root()
    return Scene(maker, root, maker.leaf(root, points(URL)))


Make = Callable[[Scene], list[bytes]]
COMPROMISED = {"reason": "keyCompromise", "invalid_since": NOW - DAY}

CASES: list[tuple[str, Make, RevocationStatus, str]] = [
    ("6.3.3 (j): not listed", lambda s: [s.crl()], GOOD, ""),
    ("6.3.3 (j): others are listed", lambda s: [s.crl(Revoked(5, NOW - DAY))], GOOD, ""),
    ("6.3.3 (j): listed", lambda s: [s.crl(s.entry(reason="superseded"))], REVOKED, "superseded"),
    ("5.3.1: on hold", lambda s: [s.crl(s.entry(reason="certificateHold"))], REVOKED, "certificateHold"),
    ("5.3: revoked later", lambda s: [s.crl(s.entry(NOW + timedelta(hours=1)))], GOOD, ""),
    ("5.3: revoked that second", lambda s: [s.crl(s.entry(NOW))], REVOKED, ""),
    ("5.3.2: later, for a key that was in other hands", lambda s: [s.crl(s.entry(NOW + DAY, **COMPROMISED))],
     REVOKED, "keyCompromise"),
    ("5.3.2: later, in other hands later", lambda s: [s.crl(s.entry(
        NOW + DAY, "keyCompromise", invalid_since=NOW + timedelta(hours=1)))], GOOD, ""),
    ("5.3.2: later, superseded since before", lambda s: [s.crl(s.entry(
        NOW + DAY, "superseded", invalid_since=NOW - DAY))], GOOD, ""),
    ("5.1.2.5: out of date", lambda s: [s.crl(this_update=NOW - 9 * DAY, next_update=NOW - DAY)], UNKNOWN,
     "out of date"),
    ("5.1.2.5: no next update", lambda s: [s.crl(next_update=None)], UNKNOWN, "when the next one"),
    ("5.1.2.4: issued after the moment", lambda s: [s.crl(this_update=NOW + DAY, next_update=NOW + 9 * DAY)], GOOD, ""),
    ("5: issued after the certificate's end, when it need no longer be listed", lambda s: [s.crl(
        this_update=NOW + 301 * DAY, next_update=NOW + 302 * DAY)], UNKNOWN, "after its expiry"),
    ("5.2: an unknown critical extension", lambda s: [s.crl(extra=[UNKNOWN_EXTENSION])], UNKNOWN, "1.3.9.9"),
    ("5.3: the same in an entry of another certificate",
     lambda s: [s.crl(Revoked(5, NOW, extra=(UNKNOWN_EXTENSION,)))], UNKNOWN, "1.3.9.9"),
    ("6.3.3 (g): signed by somebody else", lambda s: [s.crl(by=s.maker.root(number=5))], UNKNOWN, "nobody"),
    ("6.3.3 (b): of another issuer", lambda s: [s.crl(by=s.maker.root("Other", 5))], UNKNOWN, "no CRL for it"),
    ("5.2.5: of this point", lambda s: [s.crl(s.entry(), extra=[issuing_point(URL)])], REVOKED, ""),
    ("5.2.5: of another point", lambda s: [s.crl(extra=[issuing_point(OTHER)])], UNKNOWN, "no CRL for it"),
    ("5.2.5: users", lambda s: [s.crl(extra=[issuing_point(users_only=True)])], GOOD, ""),
    ("5.2.5: authorities", lambda s: [s.crl(extra=[issuing_point(authorities_only=True)])], UNKNOWN, "no CRL for it"),
    ("5.2.5: attribute certificates", lambda s: [s.crl(extra=[issuing_point(attributes_only=True)])], UNKNOWN, ""),
    ("6.3.3 (d): some reasons", lambda s: [s.crl(extra=[issuing_point(reasons=["keyCompromise"])])], UNKNOWN,
     "all reasons"),
    ("6.3.3 (l): all reasons, in two", lambda s: [
        s.crl(extra=[issuing_point(reasons=["keyCompromise", "cACompromise", "affiliationChanged", "superseded"])]),
        s.crl(extra=[issuing_point(reasons=[
            "cessationOfOperation", "certificateHold", "privilegeWithdrawn", "aACompromise"])])], GOOD, ""),
    ("the newest of the same scope counts: a hold that is over", lambda s: [
        s.crl(s.entry(reason="certificateHold"), this_update=NOW - 2 * DAY), s.crl(number=2)], GOOD, ""),
    ("one that is newer and not the issuer's hides none", lambda s: [
        s.crl(s.entry()), s.crl(by=s.maker.root(number=5), this_update=NOW)], REVOKED, ""),
    ("5.2.4: a delta adds", lambda s: [s.crl(), s.crl(s.entry(), number=3, extra=[delta_indicator(1)])], REVOKED, ""),
    ("5.2.4: a delta removes", lambda s: [
        s.crl(s.entry(reason="certificateHold")),
        s.crl(s.entry(reason="removeFromCRL"), number=3, extra=[delta_indicator(1)])], GOOD, ""),
    ("5.2.4: a delta from a later one", lambda s: [s.crl(), s.crl(
        s.entry(), number=3, extra=[delta_indicator(2)])], GOOD, ""),
    ("5.2.4: a delta by somebody else", lambda s: [s.crl(), s.crl(
        s.entry(), by=s.maker.root(number=5), number=3, extra=[delta_indicator(1)])], GOOD, ""),
    ("5.2.4: a delta alone", lambda s: [s.crl(number=3, extra=[delta_indicator(1)])], UNKNOWN, "no CRL"),
    ("no CRL at all", lambda s: [], UNKNOWN, "nothing is fetched"),
    ("what is no CRL is passed over", lambda s: [b"\x30\x00", b"", s.crl()], GOOD, ""),
]  # fmt: skip


@pytest.mark.parametrize(("name", "make", "status", "words"), CASES, ids=[case[0] for case in CASES])
async def test_lists(scene: Scene, name: str, make: Make, status: RevocationStatus, words: str) -> None:
    found = await scene.maker.check(scene.leaf, lists=make(scene))
    assert found.status is status, found.sentence
    assert words in found.sentence
    assert (found.entry is not None) is (status is REVOKED)


async def test_the_list_is_fetched(scene: Scene) -> None:
    documents = Documents({URL: scene.crl(scene.entry())})
    found = await scene.maker.check(scene.leaf, documents=documents)
    assert (found.status, documents.asked) == (REVOKED, [URL])


async def test_an_older_list_that_came_along_does_not_hide_what_the_newer_one_tells(scene: Scene) -> None:
    old = scene.crl(this_update=NOW - 3 * DAY)
    found = await scene.maker.check(scene.leaf, lists=[old], documents={URL: scene.crl(scene.entry())})
    assert found.status is REVOKED


async def test_a_delta_is_fetched(scene: Scene) -> None:
    base = scene.crl(extra=[points(OTHER, freshest=True)])
    delta = scene.crl(scene.entry(), number=2, extra=[delta_indicator(1)])
    found = await scene.maker.check(scene.leaf, documents={URL: base, OTHER: delta})
    assert found.status is REVOKED


async def test_what_cannot_be_fetched_leaves_it_unknown(scene: Scene) -> None:
    found = await scene.maker.check(scene.leaf, documents={})
    assert (found.status, found.asked) == (UNKNOWN, True)
    assert f"{URL} is not there" in found.sentence
    found = await scene.maker.check(scene.leaf, documents={URL: b"<html>"})
    assert (found.status, "it is no CRL" in found.sentence) == (UNKNOWN, True)


async def test_a_path_without_any_source_says_so(maker: Maker) -> None:
    documents = Documents({})
    found = await maker.check(maker.leaf(maker.root()), documents=documents)
    assert (found.status, found.asked, documents.asked) == (UNKNOWN, False, [])


async def test_authorities_are_checked_too(maker: Maker) -> None:
    root = maker.root()
    mid = maker.mid(root)
    leaf = maker.leaf(mid)
    of_mid = make_crl(mid, **FRESH)
    revoked = make_crl(root, [Revoked(mid.certificate.serial, NOW - DAY, "cACompromise")], **FRESH)
    assert (await maker.check(leaf, lists=[of_mid, make_crl(root, **FRESH)])).status is GOOD
    assert (await maker.check(leaf, lists=[of_mid])).status is UNKNOWN
    found = await maker.check(leaf, lists=[of_mid, revoked])
    assert (found.status, found.certificate) == (REVOKED, mid.certificate)


async def test_a_path_around_a_revoked_authority(maker: Maker) -> None:
    """A cross-certificate of the same authority was not revoked."""
    root = maker.root()
    mid, cross = maker.mid(root), maker.mid(root, not_after=NOW + 299 * DAY)
    leaf = maker.leaf(mid)
    lists = [make_crl(mid, **FRESH), make_crl(root, [Revoked(mid.certificate.serial, NOW - DAY)], **FRESH)]
    assert (await maker.check(leaf, lists=lists)).status is REVOKED
    found = await maker.check(leaf, lists=lists, others=[cross.certificate])
    assert (found.status, cross.certificate in found.path) == (GOOD, True)


@pytest.mark.parametrize("usage", [("keyCertSign", "cRLSign"), ("keyCertSign",), None])
async def test_key_usage_of_the_issuer(maker: Maker, usage: tuple[str, ...] | None) -> None:
    """Section 6.3.3 (f): a key usage must have cRLSign."""
    root = maker.root(usage=usage)
    found = await maker.check(maker.leaf(root), lists=[make_crl(root, **FRESH)])
    assert found.status is (UNKNOWN if usage == ("keyCertSign",) else GOOD)


async def test_a_separate_key_for_lists(maker: Maker) -> None:
    """An issuer of the same name with another key, certified by the authority itself; and revoked."""
    root = maker.root()
    signer = maker.mid(root, "Root", 3, is_ca=None, usage=["cRLSign"])
    leaf = maker.leaf(root)
    theirs = make_crl(signer, [Revoked(leaf.certificate.serial, NOW - DAY)], **{**FRESH, "this_update": NOW})
    ours = make_crl(root, **FRESH)
    found = await maker.check(leaf, lists=[theirs, ours], others=[signer.certificate])
    assert found.status is REVOKED
    revoking = make_crl(root, [Revoked(signer.certificate.serial, NOW - DAY)], **FRESH)
    found = await maker.check(leaf, lists=[theirs, revoking], others=[signer.certificate])
    assert found.status is GOOD  # it does not count, and the authority's own does not list the leaf


async def test_an_indirect_list(maker: Maker) -> None:
    """Sections 5.2.5 and 5.3.3: entries of several issuers, each naming its own where it changes."""
    root = maker.root()
    signer = maker.mid(root, "Lists", 3, is_ca=None, usage=["cRLSign"])
    point = points(URL, issuer=signer.certificate.subject_der)
    leaf = maker.leaf(root, point)
    serial = leaf.certificate.serial
    mark, name = issuing_point(URL, indirect=True), root.certificate.subject_der
    of_root = make_crl(root, **FRESH)
    for entries, status in (
        ([Revoked(serial, NOW - DAY)], GOOD),  # of the issuer of the list
        ([Revoked(serial, NOW - DAY, issuer=name)], REVOKED),
        ([Revoked(7, NOW - DAY, issuer=name), Revoked(serial, NOW - DAY)], REVOKED),
        ([Revoked(7, NOW - DAY, issuer=name), Revoked(serial, NOW - DAY, issuer=signer.certificate.subject_der)], GOOD),
    ):
        crl = make_crl(signer, entries, extra=[mark], **FRESH)
        found = await maker.check(leaf, lists=[crl, of_root], others=[signer.certificate])
        assert found.status is status, found.sentence
    direct = make_crl(signer, [Revoked(serial, NOW - DAY, issuer=name)], extra=[issuing_point(URL)], **FRESH)
    assert (await maker.check(leaf, lists=[direct, of_root], others=[signer.certificate])).status is GOOD


async def test_a_list_by_a_weak_algorithm(maker: Maker) -> None:
    root = maker.root()
    weak = make_crl(root, scheme=replace(RSA_SHA1, key_type="ec"), **FRESH)
    found = await maker.check(maker.leaf(root), lists=[weak])
    assert (found.status, "SHA-1" in found.sentence) == (UNKNOWN, True)


async def test_no_revocation_information_is_available(maker: Maker) -> None:
    """RFC 9608: a short-lived certificate says that nothing will be issued about it."""
    extra = Extension("2.5.29.56", critical=False, value=encode.NULL)
    documents = Documents({})
    assert (await maker.check(maker.leaf(maker.root(), extra), documents=documents)).status is GOOD


# -- hostile ones ----------------------------------------------------------------------------------------------------


def many(count: int) -> list[bytes]:
    time = encode.time(NOW - DAY)
    return [encode.sequence(encode.integer((1 << 119) + number), time) for number in range(count)]


async def test_half_a_million_entries(maker: Maker) -> None:
    root = maker.root()
    leaf, other = maker.leaf(root), maker.leaf(root, not_after=NOW + DAY)
    entries = [*many(500_000), encode.sequence(encode.integer(leaf.certificate.serial), encode.time(NOW - DAY))]
    octets = make_crl(root, entries, **FRESH)
    assert len(octets) <= REVOCATION_LIMITS.list_octets
    assert (await maker.check(leaf, lists=[octets])).status is REVOKED
    assert (await maker.check(other, lists=[octets])).status is GOOD


def test_limits(maker: Maker) -> None:
    octets = make_crl(maker.root(), many(100), **FRESH)
    with pytest.raises(InputError, match="octets, and more than"):
        RevocationList(octets, replace(REVOCATION_LIMITS, list_octets=1000))
    entries = [Revoked(number, NOW, issuer=maker.root().certificate.subject_der) for number in range(20)]
    crl = RevocationList(make_crl(maker.root(), entries, **FRESH), replace(REVOCATION_LIMITS, entries=10))
    assert any("more than 10" in defect for defect in crl.defects)


async def test_issuers_of_lists_that_lead_in_circles(maker: Maker) -> None:
    """Each of two issuers of lists is said to be good by the other only."""
    root = maker.root()
    first, second = (maker.mid(root, f"Lists {n}", n, is_ca=None, usage=["cRLSign"]) for n in (3, 4))
    first = maker.mid(root, "Lists 3", 3, is_ca=None, usage=["cRLSign"],
                      extra=[points(URL, issuer=second.certificate.subject_der)])  # fmt: skip
    second = maker.mid(root, "Lists 4", 4, is_ca=None, usage=["cRLSign"],
                       extra=[points(URL, issuer=first.certificate.subject_der)])  # fmt: skip
    leaf = maker.leaf(root, points(URL, issuer=first.certificate.subject_der))
    lists = [make_crl(one, extra=[issuing_point(URL, indirect=True)], **FRESH) for one in (first, second)]
    found = await maker.check(leaf, lists=lists, others=[first.certificate, second.certificate])
    assert (found.status, "circles" in found.sentence) == (UNKNOWN, True)


async def test_many_points_and_many_lists(maker: Maker) -> None:
    urls = [f"http://crl.example/{number}" for number in range(200)]
    documents = Documents({})
    root = maker.root()
    found = await maker.check(maker.leaf(root, points(*urls)), documents=documents)
    assert found.status is UNKNOWN
    assert len(documents.asked) <= REVOCATION_LIMITS.fetches
    lists = [make_crl(maker.root(number=5), number=number, **FRESH) for number in range(200)]
    found = await maker.check(maker.leaf(root), lists=lists)
    assert found.status is UNKNOWN


async def test_the_octets_of_all_documents_have_a_limit(maker: Maker) -> None:
    urls = [f"http://crl.example/{number}" for number in range(10)]
    documents = Documents({url: make_crl(maker.root(number=5), **FRESH) for url in urls})
    limits = replace(REVOCATION_LIMITS, octets=500)
    found = await maker.check(maker.leaf(maker.root(), points(*urls)), documents=documents, limits=limits)
    assert (found.status, len(documents.asked)) == (UNKNOWN, 3)
    assert "too many documents" in found.sentence


async def test_nothing_is_fetched_for_a_path_without_an_anchor(maker: Maker) -> None:
    leaf = maker.leaf(maker.root(), points(URL))
    validator = PathValidator(leaf.chain, [maker.root("Other", 5).certificate], NOW)
    documents = Documents({})
    found = await RevocationChecker(validator, documents).check(validator.validate(leaf.certificate))
    assert (found.status, found.asked, documents.asked) == (UNKNOWN, False, [])


def test_every_change_of_an_octet_is_noticed(maker: Maker) -> None:
    root = maker.root()
    leaf = maker.leaf(root)
    octets = make_crl(root, [Revoked(leaf.certificate.serial, NOW - DAY, "superseded")], **FRESH)
    key = root.certificate.public_key
    assert RevocationList(octets).is_signed_by(key)
    for at in range(len(octets)):
        changed = bytearray(octets)
        changed[at] ^= 1
        try:
            crl = RevocationList(bytes(changed))
        except InputError:
            continue
        assert crl.defects or not crl.is_signed_by(key), at


@given(st.binary(max_size=200), st.integers(0, 400), st.integers(0, 400))
def test_octets_never_raise_anything_else(maker: Maker, noise: bytes, start: int, stop: int) -> None:
    root = maker.root()
    leaf = maker.leaf(root).certificate
    octets = make_crl(root, [Revoked(leaf.serial, NOW, "superseded")], extra=[issuing_point(URL, indirect=True)],
                      **FRESH)  # fmt: skip
    for changed in (noise, octets[:start] + noise + octets[stop:]):
        try:
            crl = RevocationList(changed)
            crl.find(leaf)
        except InputError:
            continue
        assert isinstance(crl.defects, tuple)
