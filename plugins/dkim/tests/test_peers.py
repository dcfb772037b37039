"""dkimpy and OpenDKIM verify what we sign, and we verify what they sign."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dkim
import pytest

from mailsec.hooks import Cause, Result

PAIRS = [f"{header}/{body}" for header, body in itertools.product(("simple", "relaxed"), repeat=2)]
KINDS = ["rsa", "ed25519"]
LINES = b"".join(b"line %d  of \t many \r\n" % number for number in range(8_000))
BODIES = [
    pytest.param(b"", id="empty"),
    pytest.param(b"\r\n\r\n", id="empty-lines"),
    pytest.param(b"Hi  Bob,\r\n\r\n\t the plans \r\n are\there.\r\n\r\n\r\n", id="white-space"),
    pytest.param(b"no line end", id="no-line-end"),
    pytest.param("Grüße aus 東京\r\n".encode(), id="8bit"),
    pytest.param(LINES + b"\r\n\r\n", id="160-kilobytes"),
]
# OpenDKIM gives no answer for a relaxed body without a last line end, which no milter ever sees.
OPENDKIM_BODIES = [BODIES[0], BODIES[2], BODIES[5]]


@pytest.fixture(params=KINDS)
def key(request: pytest.FixtureRequest, rsa_key: Any, ed25519_key: Any) -> Any:
    return rsa_key if request.param == "rsa" else ed25519_key


def verifies_in_dkimpy(octets: bytes, records: dict[str, bytes]) -> bool:
    def find(name: bytes, timeout: int = 5) -> bytes | None:
        return records.get(name.decode().removesuffix("."))

    return bool(dkim.DKIM(octets).verify(dnsfunc=find))


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("pair", PAIRS)
async def test_we_verify_dkimpy(
    *, pair: str, body: bytes, key: Any, header: bytes, verify_one: Callable[..., Any], dkimpy: str, figure: Any
) -> None:
    octets = header + b"\r\n" + body
    field = dkim.sign(
        octets,
        key.selector.encode(),
        b"example.org",
        key.dkimpy,
        canonicalize=tuple(pair.encode().split(b"/")),
        signature_algorithm=key.algorithm.encode(),
    )
    result = await verify_one(field + octets)
    assert result.result is Result.PASS, result
    assert result.properties["header.a"] == key.algorithm
    figure(f"signed by {dkimpy}, verified by us: RSA and Ed25519, all four canonicalizations, {len(BODIES)} bodies")


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("pair", PAIRS)
async def test_dkimpy_verifies_us(
    *,
    pair: str,
    body: bytes,
    key: Any,
    header: bytes,
    seal: Callable[..., Any],
    verify_one: Callable[..., Any],
    records: dict[str, bytes],
    dkimpy: str,
    figure: Any,
) -> None:
    octets = await seal(header + b"\r\n" + body, key, canonicalization=pair)
    assert verifies_in_dkimpy(octets, records)
    assert (await verify_one(octets)).result is Result.PASS
    figure(f"signed by us, verified by {dkimpy}: RSA and Ed25519, all four canonicalizations, {len(BODIES)} bodies")


@pytest.mark.peer
@pytest.mark.parametrize("pair", PAIRS)
async def test_we_verify_opendkim(
    *,
    pair: str,
    key: Any,
    header: bytes,
    opendkim: Any,
    opendkim_verifier: Any,
    verify_one: Callable[..., Any],
    records: dict[str, bytes],
    tmp_path: Path,
    figure: Any,
) -> None:
    """OpenDKIM 2.11 makes Ed25519 signatures over simple header fields that nobody verifies, itself included."""
    file = tmp_path / "key.pem"
    file.write_bytes(key.pem)
    file.chmod(0o600)
    settings = (
        f"Canonicalization {pair}\nDomain example.org\nSelector {key.selector}\nKeyFile {file}\n"
        f"SignatureAlgorithm {key.algorithm}\nOversignHeaders From\n"
    )
    broken = pair.startswith("simple") and key.algorithm == "ed25519-sha256"
    signer = opendkim.run("s", settings)
    milter = next(signer)
    for parameter in OPENDKIM_BODIES:
        (body,) = parameter.values
        octets = header + b"\r\n" + body
        ((name, value),) = milter.added(octets)
        assert name == "DKIM-Signature"
        octets = b"DKIM-Signature: " + value.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") + b"\r\n" + octets
        result = await verify_one(octets, at="2040-01-01T00:00:00Z")
        assert result.result is (Result.FAIL if broken else Result.PASS), (octets, result)
        assert result.properties["header.a"] == key.algorithm
        if broken:
            assert result.cause is Cause.SIGNATURE
            assert not verifies_in_dkimpy(octets, records)
            assert b"dkim=fail" in dict(opendkim_verifier.added(octets))["Authentication-Results"]
    signer.close()
    figure(
        f"signed by {opendkim.version}, verified by us: RSA with all four canonicalizations, Ed25519 with relaxed"
        " header fields (those that it signs simple neither it nor dkimpy verifies)"
    )


@pytest.mark.peer
@pytest.mark.parametrize("body", OPENDKIM_BODIES)
@pytest.mark.parametrize("pair", PAIRS)
async def test_opendkim_verifies_us(
    *,
    pair: str,
    body: bytes,
    key: Any,
    header: bytes,
    opendkim: Any,
    opendkim_verifier: Any,
    seal: Callable[..., Any],
    figure: Any,
) -> None:
    octets = await seal(header + b"\r\n" + body, key, canonicalization=pair, at="2024-05-01T12:00:00Z")
    found = dict(opendkim_verifier.added(octets))
    assert b"dkim=pass" in found["Authentication-Results"], found
    broken = octets.replace(b"Alice", b"Malice", 1)
    assert b"dkim=fail" in dict(opendkim_verifier.added(broken))["Authentication-Results"]
    figure(f"signed by us, verified by {opendkim.version}: RSA and Ed25519, all four canonicalizations")
