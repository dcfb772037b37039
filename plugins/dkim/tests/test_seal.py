"""Signing (RFC 6376 section 5), and what the plugin gives to the program."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

import mailsec_dkim
from mailsec.errors import ConfigError, KeyFileError
from mailsec.hooks import Result, Sealer, Verifier
from mailsec.message import parse
from mailsec.testing import make_context, run_sealer
from mailsec_dkim.settings import Settings
from mailsec_dkim.signature import parse_signature


async def test_what_is_written(seal: Callable[..., Any], rsa_key: Any, header: bytes, body: bytes) -> None:
    octets = await seal(header + b"\r\n" + body, rsa_key, auid="alice=x@mail.example.org", expires=3600)
    field = parse(octets).header[0]
    assert field.name == "DKIM-Signature"
    assert octets == field.raw + header + b"\r\n" + body
    signature = parse_signature(field.raw_value)
    assert signature.signer.domain == "example.org"
    assert signature.signer.selector == "rsa"
    assert signature.signer.auid == "alice=x@mail.example.org"
    assert signature.timestamp == 1777636800
    assert signature.expiration == 1777640400
    assert signature.length is None
    assert max(map(len, field.raw.splitlines())) <= 78


async def test_what_is_signed(seal: Callable[..., Any], rsa_key: Any, header: bytes) -> None:
    """RFC 6376 sections 5.4 and 8.15: From first, some fields once more than they are there, trace fields never."""
    octets = await seal(b"Reply-To: b@example.org\r\nReferences: <1>\r\n" + header + b"\r\n", rsa_key)
    signed = parse_signature(parse(octets).header[0].raw_value).signer.signed
    assert signed[:2] == (b"from", b"from")
    assert signed.count(b"subject") == signed.count(b"reply-to") == 2
    assert signed.count(b"content-type") == 1
    assert signed.count(b"references") == 1
    assert b"received" not in signed
    assert b"dkim-signature" not in signed


async def test_own_choice_of_fields(seal: Callable[..., Any], rsa_key: Any, header: bytes, verify_one: Any) -> None:
    octets = await seal(header + b"\r\n", rsa_key, signed=("From", "To"), oversigned=("From",))
    assert parse_signature(parse(octets).header[0].raw_value).signer.signed == (b"from", b"from", b"to")
    result = await verify_one(octets)
    assert result.result is Result.PASS
    assert result.coverage.fields == (2, 3)


@pytest.mark.parametrize("added", [b"From: x@y.example", b"Subject: x", b"Content-Type: text/html", b"Cc: x@y.example"])
async def test_nothing_can_be_added(
    *, added: bytes, seal: Callable[..., Any], rsa_key: Any, header: bytes, body: bytes, verify_one: Any
) -> None:
    octets = await seal(header + b"\r\n" + body, rsa_key)
    assert (await verify_one(octets)).result is Result.PASS
    assert (await verify_one(added + b"\r\n" + octets)).result is Result.FAIL


async def test_nothing_is_signed_without_a_domain(header: bytes) -> None:
    (sealer,) = mailsec_dkim.mailsec_sealers()
    assert await run_sealer(sealer, parse(header + b"\r\n"), make_context()) == ()


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        pytest.param({"selector": "other"}, KeyFileError, "other._domainkey.example.org", id="no such key"),
        pytest.param({"canonicalization": "loose"}, ConfigError, "canonicalization", id="unknown algorithm"),
        pytest.param({"auid": "@example.net"}, ConfigError, "domain mismatch", id="another domain in i="),
        pytest.param({"signed": ("To",), "oversigned": ()}, ConfigError, "From field not signed", id="no From"),
        pytest.param({"signed": (), "oversigned": ()}, ConfigError, "in h=", id="nothing is signed"),
        pytest.param({"oversigned": ("From", "no name")}, ConfigError, "field name", id="no field name"),
    ],
)
async def test_settings_that_cannot_be(
    *,
    settings: dict[str, Any],
    error: type[Exception],
    words: str,
    seal: Callable[..., Any],
    rsa_key: Any,
    header: bytes,
) -> None:
    with pytest.raises(error, match=words):
        await seal(header + b"\r\n", rsa_key, **settings)


async def test_no_key_for_the_domain(header: bytes) -> None:
    (sealer,) = mailsec_dkim.mailsec_sealers()
    settings = mailsec_dkim.mailsec_settings()(domain="example.org", selector="s")
    with pytest.raises(KeyFileError, match=r"s\._domainkey\.example\.org"):
        await run_sealer(sealer, parse(header + b"\r\n"), make_context(settings=settings))


def test_hooks() -> None:
    (verifier,) = mailsec_dkim.mailsec_verifiers()
    assert isinstance(verifier, Verifier)
    assert verifier.methods == ("dkim",)
    assert isinstance(mailsec_dkim.mailsec_sealers()[0], Sealer)


def test_the_entry_module_imports_nothing_heavy() -> None:
    code = (
        "import sys, mailsec_dkim; mailsec_dkim.mailsec_settings();"
        "print([name for name in ('asyncio', 'cryptography', 'ctypes', 'dns', 'textual') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert run.stdout.strip() == "[]"


def test_signatures_cannot_expire_before_they_are_made() -> None:
    with pytest.raises(ValueError, match="expires should be a number of seconds"):
        Settings(expires=-4)
