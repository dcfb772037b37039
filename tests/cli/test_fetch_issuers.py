"""`mailsec check --fetch-issuers`: issuers' certificates are fetched where that is asked for, and only there."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mailsec.crypto import ECDSA_SHA256, MemoryKeyRing, PrivateKey
from mailsec.crypto.cms import Content, NewSigner, sign
from mailsec.crypto.issue import issue, make_authority
from mailsec.crypto.revocation.issue import information_access

URL = "http://ca.example/ca.cer"


@pytest.fixture
def lacking(tmp_path: Path) -> Path:
    """A message whose signer's issuer did not come along; the anchors and an empty DNS are beside it."""
    now = datetime.now(UTC).replace(microsecond=0)
    valid: dict[str, Any] = {"not_before": now - timedelta(days=1), "not_after": now + timedelta(days=1)}
    key = PrivateKey.generate("ec")
    root = make_authority("Root", key=key, **valid)
    middle = make_authority("Middle", key=key, parent=root, **valid)
    leaf = issue(middle, "alice@example.org", key=key, extra=[information_access(issuer_url=URL)], **valid)
    ring = MemoryKeyRing()
    ring.add("alice@example.org", leaf.key, (leaf.certificate,))
    content = Content((b"Content-Type: text/plain\r\n\r\nHello.\r\n",))
    signer = NewSigner(ring.identities()[0], ECDSA_SHA256)
    octets = b"".join(sign(content, [signer], detached=False, keys=ring, signing_time=now))
    head = b"From: alice@example.org\r\nContent-Type: application/pkcs7-mime; smime-type=signed-data\r\n"
    message = tmp_path / "lacking.eml"
    message.write_bytes(head + b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(octets))
    (tmp_path / "trust.pem").write_bytes(root.certificate.to_pem())
    (tmp_path / "dns.zone").write_text("$TTL 300\n")
    return message


@pytest.mark.parametrize("asked", [False, True])
def test_asked_or_not(run: Any, lacking: Path, tmp_path: Path, asked: bool) -> None:
    """RFC 5280 section 4.2.2.1. With DNS from a file nothing goes over the network, and that it was wanted is said."""
    options = ("--fetch-issuers",) if asked else ()
    done = run(
        "check", "--explain", *options, "--dns", tmp_path / "dns.zone", "--trust", tmp_path / "trust.pem", lacking
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert f"its issuer's certificate is offered at {URL}" in done.stdout
    assert (f"not fetched: {URL}: " in done.stdout) is asked
