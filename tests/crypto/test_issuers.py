"""Fetching issuers' certificates (RFC 5280 section 4.2.2.1), and what a hostile one can make us do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mailsec.crypto import Certificate, PathFailure, PrivateKey, fetch_issuers, validate_path
from mailsec.crypto.cms import encode
from mailsec.crypto.cms.tlv import context as tagged
from mailsec.crypto.issue import Issued, issue, make_authority
from mailsec.crypto.limits import REVOCATION_LIMITS
from mailsec.crypto.revocation.issue import information_access
from mailsec.errors import FetchError
from mailsec.hooks import Fetched

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
VALID: dict[str, Any] = {"not_before": NOW - timedelta(days=1), "not_after": NOW + timedelta(days=1)}
FIRST, SECOND = "http://ca.example/1", "http://ca.example/2"


class Documents:
    def __init__(self, documents: Mapping[str, bytes]) -> None:
        self.documents = documents
        self.asked: list[str] = []

    async def fetch(self, url: str, *, data: bytes | None = None, limit: int = 1 << 20) -> Fetched:
        self.asked.append(url)
        if url not in self.documents:
            raise FetchError(f"{url} is not there")
        assert len(self.documents[url]) <= limit
        return Fetched(url, 200, "application/pkix-cert", self.documents[url])


class Scene:
    """A root, two authorities below each other, and a leaf; each says where its issuer's certificate is."""

    def __init__(self, keys: Callable[..., PrivateKey]) -> None:
        def made(name: str, number: int, parent: Issued | None, *extra: Any) -> Issued:
            return make_authority(name, key=keys("ec", number), parent=parent, extra=extra, **VALID)

        self.root = made("Root", 0, None)
        self.first = made("First", 1, self.root)
        self.second = made("Second", 2, self.first, information_access(issuer_url=FIRST))
        self.leaf = issue(
            self.second, "a@example.org", key=keys("ec", 3), extra=[information_access(issuer_url=SECOND)], **VALID
        ).certificate

    async def fetch(self, fetcher: Documents, *candidates: Certificate) -> tuple[PathFailure | None, tuple[str, ...]]:
        anchors = [self.root.certificate]
        found, troubles = await fetch_issuers(self.leaf, candidates, anchors, NOW, fetcher)
        return validate_path(self.leaf, (*candidates, *found), anchors, NOW).failure, troubles


@pytest.fixture
def scene(keys: Callable[..., PrivateKey]) -> Scene:
    return Scene(keys)


def certs_only(*certificates: Certificate) -> bytes:
    """A certs-only CMS message (RFC 8551 section 3.8), which caIssuers may point to as well."""
    data = encode.sequence(encode.oid("1.2.840.113549.1.7.1"))
    along = encode.constructed(tagged(0), *(one.der for one in certificates))
    signed = encode.sequence(encode.integer(1), encode.set_of(()), data, along, encode.set_of(()))
    return encode.sequence(encode.oid("1.2.840.113549.1.7.2"), encode.constructed(tagged(0), signed))


async def test_one_after_the_other(scene: Scene) -> None:
    fetcher = Documents({SECOND: scene.second.certificate.der, FIRST: scene.first.certificate.to_pem()})
    assert await scene.fetch(fetcher) == (None, ())
    assert fetcher.asked == [SECOND, FIRST]


async def test_all_at_once(scene: Scene) -> None:
    fetcher = Documents({SECOND: certs_only(scene.first.certificate, scene.second.certificate)})
    assert await scene.fetch(fetcher) == (None, ())
    assert fetcher.asked == [SECOND]


async def test_only_what_is_missing(scene: Scene) -> None:
    fetcher = Documents({FIRST: scene.first.certificate.der})
    assert await scene.fetch(fetcher, scene.second.certificate) == (None, ())
    assert fetcher.asked == [FIRST]
    fetcher = Documents({})
    assert await scene.fetch(fetcher, scene.second.certificate, scene.first.certificate) == (None, ())
    assert not fetcher.asked


async def test_what_is_not_there(scene: Scene) -> None:
    assert await scene.fetch(Documents({})) == (PathFailure.UNTRUSTED, (f"{SECOND} is not there",))
    failure, (trouble,) = await scene.fetch(Documents({SECOND: b"<html>"}))
    assert (failure, trouble.startswith(f"at {SECOND}: ")) == (PathFailure.UNTRUSTED, True)


async def test_what_was_fetched_is_worth_no_more_than_what_came_along(
    scene: Scene, keys: Callable[..., PrivateKey]
) -> None:
    """An authority of the right name and another key, and a root that nobody trusts."""
    false = make_authority("Second", key=keys("ec", 5), **VALID).certificate
    failure, _ = await scene.fetch(Documents({SECOND: certs_only(false, scene.second.certificate), FIRST: false.der}))
    assert failure is PathFailure.UNTRUSTED


async def test_loops(scene: Scene, keys: Callable[..., PrivateKey]) -> None:
    """Certificates that name each other, and one that names itself."""
    one = make_authority("One", key=keys("ec", 4), extra=[information_access(issuer_url=SECOND)], **VALID)
    documents = Documents({SECOND: one.certificate.der, FIRST: scene.leaf.der})
    assert (await scene.fetch(documents))[0] is PathFailure.UNTRUSTED
    assert documents.asked == [SECOND]


async def test_a_chain_without_end(keys: Callable[..., PrivateKey]) -> None:
    """Each authority names one more; the path has a limit, and so have the fetches."""
    authorities = [make_authority("A0", key=keys("ec", 0), **VALID)]
    for number in range(1, 40):
        extra = [information_access(issuer_url=f"http://ca.example/{number - 1}")]
        parent = authorities[-1]
        authorities.append(
            make_authority(f"A{number}", key=keys("ec", number % 6), parent=parent, extra=extra, **VALID)
        )
    documents = Documents({f"http://ca.example/{n}": one.certificate.der for n, one in enumerate(authorities)})
    extra = [information_access(issuer_url="http://ca.example/39")]
    leaf = issue(authorities[-1], "a@example.org", key=keys("ec", 8), extra=extra, **VALID).certificate
    found, _ = await fetch_issuers(leaf, [], [authorities[0].certificate], NOW, documents)
    assert len(documents.asked) == len(found) <= REVOCATION_LIMITS.fetches


async def test_many_in_one_document(scene: Scene, keys: Callable[..., PrivateKey]) -> None:
    many = [make_authority(f"A{n}", key=keys("ec", 4), **VALID).certificate for n in range(100)]
    found, _ = await fetch_issuers(
        scene.leaf, [], [scene.root.certificate], NOW, Documents({SECOND: b"".join(one.to_pem() for one in many)})
    )
    assert len(found) == REVOCATION_LIMITS.issuers
