"""Verification: each rule of RFC 6376 section 6, RFC 8301 and RFC 8463 with the result and the words it leads to."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from mailsec.crypto import PrivateKey
from mailsec.demo.careless import TinyRsa, sign_domain
from mailsec.errors import DeadlineError, DnsTemporaryError
from mailsec.hooks import Cause, DnsAnswer, DnsFailure, Fact, Result
from mailsec.message import parse, parse_header
from mailsec.testing import make_context
from mailsec_dkim.verify import start

HEADER = b"From: Alice <alice@example.org>\r\nTo: Bob <bob@example.net>\r\nSubject: the plans\r\n"
BODY = b"Here they are.\r\n"

FAULTS = [
    # tags of the signature · cause · a part of the reason · section of RFC 6376
    pytest.param({"v": "2"}, Cause.UNSUPPORTED, "incompatible version", id="6.1.1 version 2"),
    pytest.param({"v": None}, Cause.SYNTAX, "missing required tag v=", id="6.1.1 no v="),
    pytest.param({"a": None}, Cause.SYNTAX, "missing required tag a=", id="6.1.1 no a="),
    pytest.param({"d": None}, Cause.SYNTAX, "missing required tag d=", id="6.1.1 no d="),
    pytest.param({"s": None}, Cause.SYNTAX, "missing required tag s=", id="6.1.1 no s="),
    pytest.param({"bh": None}, Cause.SYNTAX, "missing required tag bh=", id="6.1.1 no bh="),
    pytest.param({"h": None}, Cause.SYNTAX, "missing required tag h=", id="6.1.1 no h="),
    pytest.param({"b": ""}, Cause.SYNTAX, "in b=", id="3.5 empty b="),
    pytest.param({"b": "AA=A"}, Cause.SYNTAX, "in b=", id="3.2 b= is no base64"),
    pytest.param({"b": "AAAAA"}, Cause.SYNTAX, "in b=", id="3.2 b= is cut off"),
    pytest.param({"bh": "AAAA"}, Cause.SYNTAX, "in bh=", id="3.5 bh= of the wrong size"),
    pytest.param({"bh": "!!!!"}, Cause.SYNTAX, "in bh=", id="3.2 bh= is no base64"),
    pytest.param({"a": "rsa-sha512"}, Cause.UNSUPPORTED, "algorithm is not known", id="3.3 unknown algorithm"),
    pytest.param({"c": "relaxed/nofws"}, Cause.UNSUPPORTED, "canonicalization", id="3.4 unknown body algorithm"),
    pytest.param({"c": "nowsp"}, Cause.UNSUPPORTED, "canonicalization", id="3.4 unknown header algorithm"),
    pytest.param({"d": "exa mple.org"}, Cause.SYNTAX, "in d=", id="3.5 d= is no domain"),
    pytest.param({"d": "-example.org"}, Cause.SYNTAX, "in d=", id="3.5 d= begins with a hyphen"),
    pytest.param({"d": "example..org"}, Cause.SYNTAX, "in d=", id="3.5 d= with an empty label"),
    pytest.param({"d": "example.org."}, Cause.SYNTAX, "in d=", id="3.5 d= with a last dot"),
    pytest.param({"d": "a" * 64 + ".org"}, Cause.SYNTAX, "in d=", id="3.5 d= with a label of 64 octets"),
    pytest.param({"s": "sel;q"}, Cause.SYNTAX, "syntax error", id="3.5 s= is no selector"),
    pytest.param({"h": "to:subject"}, Cause.SYNTAX, "From field not signed", id="6.1.1 From not signed"),
    pytest.param({"h": "from::to"}, Cause.SYNTAX, "in h=", id="3.5 h= with an empty name"),
    pytest.param({"h": ""}, Cause.SYNTAX, "in h=", id="3.5 h= is empty"),
    pytest.param({"h": "from:su bject"}, Cause.SYNTAX, "in h=", id="3.5 h= with a space in a name"),
    pytest.param({"i": "@example.net"}, Cause.SYNTAX, "domain mismatch", id="6.1.1 i= of another domain"),
    pytest.param({"i": "@badexample.org"}, Cause.SYNTAX, "domain mismatch", id="6.1.1 i= with the same ending"),
    pytest.param({"i": "alice"}, Cause.SYNTAX, "in i=", id="3.5 i= without a domain"),
    pytest.param({"i": "a=G0@example.org"}, Cause.SYNTAX, "quoted-printable", id="2.11 i= badly quoted"),
    pytest.param({"q": "dns/a"}, Cause.UNSUPPORTED, "query method", id="3.5 unknown query method"),
    pytest.param({"t": "20", "x": "20"}, Cause.SYNTAX, "x= is not after t=", id="3.5 x= is t="),
    pytest.param({"t": "soon"}, Cause.SYNTAX, "in t=", id="3.5 t= is no number"),
    pytest.param({"t": "-1"}, Cause.SYNTAX, "in t=", id="3.5 t= is negative"),
    pytest.param({"l": "0x10"}, Cause.SYNTAX, "in l=", id="3.5 l= is no number"),
    pytest.param({"l": "9" * 77}, Cause.SYNTAX, "in l=", id="3.5 l= with 77 digits"),
    pytest.param({"x": "1;d=example.com"}, Cause.SYNTAX, "twice", id="3.2 a tag twice"),
    pytest.param({"x": "1;;"}, Cause.SYNTAX, "empty tag", id="3.2 an empty tag"),
    pytest.param({"x": "1; nothing"}, Cause.SYNTAX, "without a value", id="3.2 a tag without ="),
    pytest.param({"x": "1; 1x=1"}, Cause.SYNTAX, "no tag name", id="3.2 a tag name that begins with a digit"),
    pytest.param({"x": "1; y=\x01"}, Cause.SYNTAX, "octets", id="3.2 a control character"),
    pytest.param({"h": ":".join(["from"] * 1001)}, Cause.LIMIT, "1000", id="limit: names in h="),
    pytest.param({"z": "x" * 70_000}, Cause.LIMIT, "65536", id="limit: octets of the field"),
    pytest.param({f"y{n}": "1" for n in range(100)}, Cause.SYNTAX, "100 tags", id="limit: tags"),
]


@pytest.mark.parametrize(("tags", "cause", "words"), FAULTS)
async def test_faulty_signatures(
    *,
    tags: dict[str, str | None],
    cause: Cause,
    words: str,
    craft: Callable[..., bytes],
    rsa_key: Any,
    verify_one: Callable[..., Any],
) -> None:
    """RFC 6376 sections 3.2, 3.5 and 6.1.1."""
    result = await verify_one(craft(rsa_key, **({"b": "AAAA"} | tags)))
    assert (result.result, result.cause) == (Result.PERMERROR, cause)
    assert words in result.reason
    assert result.coverage is None


FORMS = [
    pytest.param({}, id="3.5 c= missing is simple/simple"),
    pytest.param({"c": "relaxed"}, id="3.5 c= with one name is simple for the body"),
    pytest.param({"c": "Relaxed/SIMPLE".lower()}, id="3.5 c= relaxed/simple"),
    pytest.param({"c": "simple/relaxed"}, id="3.5 c= simple/relaxed"),
    pytest.param({"c": "relaxed/relaxed", "h": "From : To\r\n\t:Subject"}, id="3.5 h= with folding white space"),
    pytest.param({"h": "from:from:subject:subject:x-absent"}, id="5.4.2 absent fields are the null input"),
    pytest.param({"i": "@example.org"}, id="3.5 i= of the domain"),
    pytest.param({"i": "alice=3Bx@mail.EXAMPLE.org"}, id="3.5 i= of a subdomain, quoted"),
    pytest.param({"q": "dns/txt:other"}, id="3.5 q= with an unknown method besides"),
    pytest.param({"t": "1777629600", "x": "1999999999"}, id="3.5 t= and x="),
    pytest.param({"x": "9" * 30}, id="3.5 x= in the infinite future"),
    pytest.param({"z": "From:alice@example.org|To:=20bob"}, id="3.5 z="),
    pytest.param({"new": "tag", "X": "1"}, id="3.2 unknown tags, and names that differ by case"),
    pytest.param({"l": "0000"}, id="3.5 l= with leading zeros"),
]


@pytest.mark.parametrize("tags", FORMS)
async def test_forms_of_good_signatures(
    tags: dict[str, str], craft: Callable[..., bytes], rsa_key: Any, verify_one: Callable[..., Any]
) -> None:
    result = await verify_one(craft(rsa_key, **tags))
    assert result.result is (Result.POLICY if "l" in tags else Result.PASS), result
    assert result.properties["header.d"] == "example.org"
    assert result.properties["header.s"] == "rsa"
    assert len(result.properties["header.b"]) == 8


async def test_auid_is_reported_decoded(craft: Callable[..., bytes], rsa_key: Any, verify_one: Any) -> None:
    result = await verify_one(craft(rsa_key, i="alice=3Bx@Mail.example.org"))
    assert result.properties["header.i"] == "alice;x@mail.example.org"
    assert (await verify_one(craft(rsa_key))).properties["header.i"] == "@example.org"


KEYS = [
    # the record, %b for the key · result · cause · a part of the reason
    pytest.param(None, Result.PERMERROR, Cause.NO_KEY, "no key for signature", id="6.1.2 no record"),
    pytest.param(b"v=spf1 -all", Result.PERMERROR, Cause.NO_KEY, "no key for signature", id="3.6.1 another v="),
    pytest.param(b"v=DKIM1; p=", Result.PERMERROR, Cause.REVOKED, "key revoked", id="3.6.1 empty p="),
    pytest.param(b"v=DKIM1; k=rsa", Result.PERMERROR, Cause.KEY, "key syntax error", id="3.6.1 no p="),
    pytest.param(b"p=%b; v=DKIM1", Result.PERMERROR, Cause.KEY, "not the first tag", id="3.6.1 v= is not first"),
    pytest.param(b"v=DKIM1; p=%b; p=%b", Result.PERMERROR, Cause.KEY, "twice", id="3.2 a tag twice"),
    pytest.param(b"v=DKIM1; p=!%b", Result.PERMERROR, Cause.KEY, "key syntax error in p=", id="3.6.1 p= no base64"),
    pytest.param(b"v=DKIM1; p=AAAA", Result.PERMERROR, Cause.KEY, "not a public key", id="3.6.1 p= is no key"),
    pytest.param(b"gibberish", Result.PERMERROR, Cause.KEY, "key syntax error", id="6.1.2 no tag list"),
    pytest.param(b"v=DKIM1; h=sha1; p=%b", Result.PERMERROR, Cause.KEY, "hash algorithm", id="3.6.1 h= without ours"),
    pytest.param(b"v=DKIM1; h=sha1:sha256; p=%b", Result.PASS, None, "", id="3.6.1 h= with ours"),
    pytest.param(b"v=DKIM1; k=ed25519; p=%b", Result.PERMERROR, Cause.KEY, "", id="3.6.1 k= of another type"),
    pytest.param(b"v=DKIM1; k=dsa; p=%b", Result.PERMERROR, Cause.KEY, "key algorithm", id="3.6.1 k= unknown"),
    pytest.param(b"v=DKIM1; s=tlsrpt; p=%b", Result.PERMERROR, Cause.NO_KEY, "not for e-mail", id="3.6.1 s= other"),
    pytest.param(b"v=DKIM1; s=tlsrpt:email; p=%b", Result.PASS, None, "", id="3.6.1 s=email"),
    pytest.param(b"v=DKIM1; s=*; p=%b", Result.PASS, None, "", id="3.6.1 s=*"),
    pytest.param(b"p=%b", Result.PASS, None, "", id="3.6.1 only p="),
    pytest.param(b"v = DKIM1 ; k = rsa ; n=notes=3B; foo=bar; p = %b ;", Result.PASS, None, "", id="3.2 white space"),
    pytest.param(b"v=DKIM1; t=y; p=%b", Result.POLICY, Cause.TEST_KEY, "t=y", id="3.6.1 t=y"),
    pytest.param(b"v=DKIM1; t=y:s:new; p=%b", Result.POLICY, Cause.TEST_KEY, "t=y", id="3.6.1 t= with others"),
    pytest.param(b"v=DKIM1; t=s; p=%b", Result.PASS, None, "", id="3.6.1 t=s and i= of the domain"),
    pytest.param(b"v=DKIM1; x=" + b"y" * 40_000, Result.PERMERROR, Cause.LIMIT, "32768", id="limit: octets"),
]


@pytest.mark.parametrize(("record", "outcome", "cause", "words"), KEYS)
async def test_key_records(
    *,
    record: bytes | None,
    outcome: Result,
    cause: Cause | None,
    words: str,
    craft: Callable[..., bytes],
    rsa_key: Any,
    verify_one: Callable[..., Any],
) -> None:
    """RFC 6376 sections 3.6.1 and 6.1.2."""
    key = rsa_key.record.partition(b"p=")[2]
    text = () if record is None else record.replace(b"%b", key)
    result = await verify_one(craft(rsa_key), {rsa_key.name: text})
    assert (result.result, result.cause) == (outcome, cause)
    assert words in result.reason


async def test_strict_key_wants_the_very_domain(craft: Callable[..., bytes], rsa_key: Any, verify_one: Any) -> None:
    """RFC 6376 section 3.6.1, t=s."""
    strict = {rsa_key.name: rsa_key.record + b"; t=s"}
    result = await verify_one(craft(rsa_key, i="@mail.example.org"), strict)
    assert (result.result, result.cause) == (Result.PERMERROR, Cause.KEY)
    assert "domain mismatch" in result.reason
    assert (await verify_one(craft(rsa_key, i="a@example.org"), strict)).result is Result.PASS


async def test_key_as_bare_rsa_public_key(craft: Callable[..., bytes], rsa_key: Any, verify_one: Any) -> None:
    """RFC 6376 section 3.6.1 describes the key as RSAPublicKey; SubjectPublicKeyInfo is what is published."""
    spki = base64.b64decode(rsa_key.record.partition(b"p=")[2])
    bare = spki[spki.index(b"\x30\x82", 4) :]
    result = await verify_one(craft(rsa_key), {rsa_key.name: b"p=" + base64.b64encode(bare)})
    assert result.result is Result.PASS


async def test_ed25519_key_must_be_raw(craft: Callable[..., bytes], ed25519_key: Any, verify_one: Any) -> None:
    """RFC 8463 section 4.2."""
    assert (await verify_one(craft(ed25519_key))).result is Result.PASS
    spki = base64.b64encode(ed25519_key.private.public_key.spki_der())
    result = await verify_one(craft(ed25519_key), {ed25519_key.name: b"k=ed25519; p=" + spki})
    assert (result.result, result.cause) == (Result.PERMERROR, Cause.KEY)


async def test_several_records_are_all_tried(craft: Callable[..., bytes], rsa_key: Any, verify_one: Any) -> None:
    """RFC 6376 section 3.6.2.2 leaves it open; a record of something else must not hide the key."""
    other = PrivateKey.generate("rsa", bits=2048).public_key.spki_der()
    several = (b"v=spf1 -all", b"v=DKIM1; p=" + base64.b64encode(other), rsa_key.record)
    assert (await verify_one(craft(rsa_key), {rsa_key.name: several})).result is Result.PASS


@pytest.mark.parametrize("first", ["the strong key", "the weak key"])
@pytest.mark.parametrize(
    ("signer", "expected"),
    [("weak", (Result.POLICY, Cause.WEAK)), ("strong", (Result.PASS, None)), ("none", (Result.FAIL, Cause.SIGNATURE))],
)
async def test_of_several_records_the_one_that_made_the_signature_is_judged(
    first: str, signer: str, expected: Any, rsa_key: Any, verify_one: Any
) -> None:
    """RFC 8301 section 3.2: a strong key beside it makes a key of 512 bits no better, and the other way round."""
    weak = TinyRsa.generate()
    records = [rsa_key.record, b"v=DKIM1; p=" + base64.b64encode(weak.spki_der())]
    sign = {"weak": weak.sign, "strong": rsa_key.sign, "none": lambda octets: rsa_key.sign(octets + b"-")}[signer]
    octets = sign_domain(HEADER + b"\r\n" + BODY, "example.org", rsa_key.selector, sign)
    ordered = tuple(records if first == "the strong key" else reversed(records))
    result = await verify_one(octets, {rsa_key.name: ordered})
    assert (result.result, result.cause) == expected
    bits = 512 if signer == "weak" else 2048
    assert Fact("algorithm", f"rsa-sha256 with a key of {bits} bits") in result.evidence


@pytest.mark.parametrize("bits", [1024, 3072, 4096])
async def test_rsa_key_sizes(
    bits: int, craft: Callable[..., bytes], new_key: Callable[..., Any], verify_one: Callable[..., Any]
) -> None:
    """RFC 8301 section 3.2: 1024 to 4096 bits must verify."""
    key = new_key("size", "rsa", bits)
    result = await verify_one(craft(key), {key.name: key.record})
    assert result.result is Result.PASS
    assert Fact("algorithm", f"rsa-sha256 with a key of {bits} bits") in result.evidence


async def test_rsa_under_1024_bits_does_not_count(craft: Callable[..., bytes], rsa_key: Any, verify_one: Any) -> None:
    """RFC 8301 section 3.2; the key is one of 512 bits, its signature never looked at."""
    weak = b"v=DKIM1; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf9Cnzj4p4WGeKLs1Pt8Qu"
    weak += b"KUpRKfFLfRYC9AIKjbJTWit+CqvjWYzvQwECAwEAAQ=="
    result = await verify_one(craft(rsa_key), {rsa_key.name: weak})
    assert (result.result, result.cause) == (Result.POLICY, Cause.WEAK)
    assert "1024" in result.reason


async def test_rsa_sha1_does_not_count(
    craft: Callable[..., bytes], rsa_key: Any, verify_one: Any, resolver_of: Any
) -> None:
    """RFC 8301 section 3.1: not even the key is asked for."""
    resolver = resolver_of({rsa_key.name: rsa_key.record})
    result = await verify_one(craft(rsa_key, a="rsa-sha1"), resolver)
    assert (result.result, result.cause) == (Result.POLICY, Cause.WEAK)
    assert "RFC 8301" in result.reason
    assert resolver.asked == []


@pytest.mark.parametrize(
    "error", [DnsTemporaryError("x", "TXT", "SERVFAIL"), DeadlineError("the time is up")], ids=["SERVFAIL", "deadline"]
)
async def test_dns_trouble(error: Exception, craft: Callable[..., bytes], rsa_key: Any, verify_one: Any) -> None:
    """RFC 6376 section 6.1.2 step 2."""
    result = await verify_one(craft(rsa_key), {rsa_key.name: error})
    assert (result.result, result.cause) == (Result.TEMPERROR, Cause.DNS)
    assert result.reason.startswith("key unavailable")
    assert isinstance(result.evidence[0], DnsFailure)


async def test_expiration(craft: Callable[..., bytes], rsa_key: Any, verify_one: Any) -> None:
    """RFC 6376 section 3.5, x=: judged at the time of the context, not at that of the clock."""
    signed = craft(rsa_key, t="1000", x="2000")
    result = await verify_one(signed, at="1970-01-01T00:33:21Z")
    assert (result.result, result.cause, result.reason) == (Result.POLICY, Cause.EXPIRED, "signature expired")
    assert (await verify_one(signed, at="1970-01-01T00:33:20Z")).result is Result.PASS
    broken = signed.replace(b"the plans", b"the plane")
    assert (await verify_one(broken, at="1970-01-01T00:33:21Z")).result is Result.FAIL


async def test_wrong_content(craft: Callable[..., bytes], rsa_key: Any, verify_one: Any) -> None:
    """RFC 6376 section 6.1.3."""
    signed = craft(rsa_key)
    result = await verify_one(signed + b"P.S.\r\n")
    assert (result.result, result.cause, result.reason) == (Result.FAIL, Cause.DIGEST, "body hash did not verify")
    result = await verify_one(signed.replace(b"To: Bob", b"To: Rob"))
    assert (result.result, result.cause, result.reason) == (Result.FAIL, Cause.SIGNATURE, "signature did not verify")
    assert result.coverage is None


async def test_test_key_says_how_it_ended(craft: Callable[..., bytes], rsa_key: Any, verify_one: Any) -> None:
    """RFC 6376 section 3.6.1: with t=y a broken signature is no worse than none."""
    testing = {rsa_key.name: rsa_key.record + b"; t=y"}
    result = await verify_one(craft(rsa_key) + b"more", testing)
    assert (result.result, result.cause) == (Result.POLICY, Cause.TEST_KEY)
    assert result.reason.startswith("body hash did not verify")


LENGTHS = [
    # l= · canonicalization · the body as received · octets of it that are covered
    pytest.param(0, "simple/simple", b"abc\r\n", 0, id="nothing"),
    pytest.param(3, "simple/simple", b"abc\r\ndef\r\n", 3, id="in a line"),
    pytest.param(5, "simple/simple", b"abc\r\ndef\r\n", 5, id="a whole line"),
    pytest.param(4, "relaxed/relaxed", b"a   b  \r\nc\r\n", 7 + 1, id="relaxed counts canonical octets"),
    pytest.param(2, "relaxed/relaxed", b"\r\n\r\n\r\nc\r\n", 2, id="empty lines before content"),
    pytest.param(5, "relaxed/relaxed", b"a\t \t\r\n \t b\r\n", 10, id="white space on both sides of a line end"),
]


@pytest.mark.parametrize(("length", "canonicalization", "body", "covered"), LENGTHS)
async def test_body_length(
    *,
    length: int,
    canonicalization: str,
    body: bytes,
    covered: int,
    craft: Callable[..., bytes],
    header: bytes,
    rsa_key: Any,
    verify_one: Callable[..., Any],
) -> None:
    """RFC 6376 section 3.5, l=, and 8.2: what it leaves out is never covered."""
    signed = craft(rsa_key, header, body, c=canonicalization, l=str(length))
    result = await verify_one(signed)
    assert (result.result, result.cause) == (Result.POLICY, Cause.PARTIAL)
    start = len(signed) - len(body)
    assert result.coverage.ranges == (((start, start + covered),) if covered else ())
    assert (await verify_one(signed + b"something appended\r\n")).coverage == result.coverage


async def test_body_length_of_all(craft: Callable[..., bytes], header: bytes, rsa_key: Any, verify_one: Any) -> None:
    signed = craft(rsa_key, header, b"abc\r\n", l="5")
    assert (await verify_one(signed)).result is Result.PASS
    assert (await verify_one(signed + b"\r\n\r\n")).result is Result.PASS  # empty lines at the end do not count
    result = await verify_one(signed + b"<b>more</b>\r\n")
    assert result.cause is Cause.PARTIAL
    assert result.coverage.ranges == ((len(signed) - 5, len(signed)),)


async def test_body_length_of_more_than_there_is(
    craft: Callable[..., bytes], header: bytes, rsa_key: Any, verify_one: Any
) -> None:
    """RFC 6376 section 3.5: l= must not be more than the body has."""
    result = await verify_one(craft(rsa_key, header, b"abc\r\n", l="6"))
    assert (result.result, result.cause) == (Result.FAIL, Cause.DIGEST)
    assert "l=" in result.reason


@pytest.mark.parametrize(
    ("body", "simple", "relaxed"),
    [
        pytest.param(b"", True, True, id="no body"),
        pytest.param(b"\r\n", True, True, id="an empty line"),
        pytest.param(b"\r\n\r\n\r\n", True, True, id="empty lines"),
        pytest.param(b" \t\r\n\r\n", False, True, id="white space"),
        pytest.param(b"x\r\n", False, False, id="content"),
    ],
)
async def test_empty_bodies(
    *,
    body: bytes,
    simple: bool,
    relaxed: bool,
    craft: Callable[..., bytes],
    header: bytes,
    rsa_key: Any,
    verify_one: Any,
) -> None:
    """RFC 6376 sections 3.4.3 and 3.4.4 with the hashes that they print."""
    hashes = {
        "simple/simple": ("frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=", simple),
        "simple/relaxed": ("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", relaxed),
    }
    for canonicalization, (digest, equal) in hashes.items():
        result = await verify_one(craft(rsa_key, header, body, c=canonicalization, bh=digest))
        assert (result.result is Result.PASS) is equal, canonicalization


# -- coverage of header fields -------------------------------------------------------------------------------


async def test_fields_are_taken_from_the_bottom_up(craft: Callable[..., bytes], rsa_key: Any, verify_one: Any) -> None:
    """RFC 6376 section 5.4.2: one added above a signed one is not covered."""
    header = b"Received: c\r\nReceived: b\r\nReceived: a\r\nFrom: a@example.org\r\nSubject: s\r\n"
    signed = craft(rsa_key, header, h="received:from:received:subject")
    result = await verify_one(signed)
    assert result.coverage.fields == (2, 3, 4, 5)
    added = b"Received: d\r\nSubject: You won\r\nFrom: evil@example.net\r\n" + signed
    result = await verify_one(added)
    assert result.result is Result.PASS
    assert result.coverage.fields == (5, 6, 7, 8)


async def test_oversigned_fields_cannot_be_added(craft: Callable[..., bytes], rsa_key: Any, verify_one: Any) -> None:
    """RFC 6376 section 8.15."""
    signed = craft(rsa_key, h="from:from:subject:subject:reply-to")
    assert (await verify_one(signed)).result is Result.PASS
    for field in (b"From: evil@example.net", b"Subject: You won", b"Reply-To: evil@example.net"):
        result = await verify_one(field + b"\r\n" + signed)
        assert (result.result, result.cause) == (Result.FAIL, Cause.SIGNATURE)


async def test_other_signatures_may_be_signed(
    *, craft: Callable[..., bytes], rsa_key: Any, ed25519_key: Any, verify: Any, header: bytes, body: bytes
) -> None:
    """RFC 6376 section 3.5, h=: another DKIM-Signature may be covered, the field itself never is."""
    inner = craft(ed25519_key)
    fields, _, rest = inner.partition(b"\r\n\r\n")
    outer = craft(rsa_key, fields + b"\r\n", rest, h="from:dkim-signature")
    first, second = await verify(outer)
    assert first.result is second.result is Result.PASS
    assert first.coverage.fields == (1, 3)


async def test_body_of_stored_mail(craft: Callable[..., bytes], rsa_key: Any, verify_one: Any) -> None:
    """Bare LF stands for CRLF where the first line of the body ends in it; elsewhere it is an octet of its own."""
    signed = craft(rsa_key)
    result = await verify_one(signed.replace(b"\r\n", b"\n"))
    assert result.result is Result.PASS
    stored = signed.replace(b"\r\n", b"\n")
    assert result.coverage.ranges == ((stored.index(b"\n\n") + 2, len(stored)),)
    field, _, rest = signed.replace(b"\r\n", b"\n").partition(b"\nReceived")
    mixed = field.replace(b"\n", b"\r\n") + b"\r\nReceived" + rest
    assert (await verify_one(mixed)).result is Result.PASS
    assert (await verify_one(signed.replace(b"Alice\r\n\r\n", b"Alice\n\r\n"))).result is Result.FAIL


# -- several signatures --------------------------------------------------------------------------------------


async def test_none_without_a_signature(header: bytes) -> None:
    """RFC 8601 section 2.7.1; it is said at once, before the body is there."""
    found = start(parse_header(header), make_context())
    assert isinstance(found, tuple)
    assert [(result.method, result.result) for result in found] == [("dkim", Result.NONE)]


async def test_each_signature_has_its_result(
    *, craft: Callable[..., bytes], rsa_key: Any, ed25519_key: Any, verify: Any, header: bytes, body: bytes
) -> None:
    """RFC 6376 section 6.1: in the order of the fields; a bad one takes nothing from a good one."""

    def field(octets: bytes) -> bytes:
        return octets[: octets.index(b"Received:")]

    octets = b"".join(
        (
            field(craft(rsa_key, c="relaxed/relaxed")),
            b"DKIM-Signature: v=1; rubbish\r\n",
            field(craft(rsa_key, s="gone")),
            field(craft(rsa_key, a="rsa-sha1")),
            craft(ed25519_key),
        )
    )
    results = await verify(octets)
    assert [(result.result, result.cause) for result in results] == [
        (Result.PASS, None),
        (Result.PERMERROR, Cause.SYNTAX),
        (Result.PERMERROR, Cause.NO_KEY),
        (Result.POLICY, Cause.WEAK),
        (Result.PASS, None),
    ]
    assert results[2].properties["header.s"] == "gone"


async def test_only_so_many_signatures_are_tried(craft: Callable[..., bytes], rsa_key: Any, verify: Any) -> None:
    """RFC 6376 section 8.4."""
    signed = craft(rsa_key)
    field = signed[: signed.index(b"Received:")]
    results = await verify(field * 30 + signed)
    assert len(results) == 11
    assert {result.result for result in results[:10]} == {Result.PASS}
    assert (results[10].result, results[10].cause) == (Result.PERMERROR, Cause.LIMIT)


async def test_a_key_is_asked_for_once(
    craft: Callable[..., bytes], rsa_key: Any, verify: Any, resolver_of: Any
) -> None:
    signed = craft(rsa_key)
    field = signed[: signed.index(b"Received:")]
    resolver = resolver_of({rsa_key.name: rsa_key.record})
    await verify(field + signed, resolver)
    assert resolver.asked == [rsa_key.name]


async def test_evidence(craft: Callable[..., bytes], rsa_key: Any, verify_one: Any) -> None:
    result = await verify_one(craft(rsa_key, c="relaxed/simple", t="1777629600", x="1999999999"))
    answer, *facts = result.evidence
    assert isinstance(answer, DnsAnswer)
    assert answer.texts == (rsa_key.record,)
    assert facts == [
        Fact("canonicalization", "relaxed header fields, simple body"),
        Fact("algorithm", "rsa-sha256 with a key of 2048 bits"),
        Fact("signing time", "2026-05-01T10:00:00Z"),
        Fact("expiration", "2033-05-18T03:33:19Z"),
    ]


async def test_internationalized_domains(craft: Callable[..., bytes], rsa_key: Any, verify_one: Any) -> None:
    """RFC 8616 section 4: U-labels in d=, i= and s=."""
    signed = craft(rsa_key, d="bücher.example", s="größe", i="jürgen@bücher.example")
    result = await verify_one(signed, {"größe._domainkey.bücher.example": rsa_key.record})
    assert result.result is Result.PASS
    assert result.properties["header.d"] == "bücher.example"


# -- the signature field itself ------------------------------------------------------------------------------


@pytest.mark.parametrize("c", ["simple/simple", "relaxed/relaxed"])
@pytest.mark.parametrize("tail", [b"", b";", b" ;", b"\r\n ;", b"; x=9999999999", b" \r\n\t; n=after"])
async def test_the_value_of_b_is_taken_out_with_its_white_space(
    c: str, tail: bytes, craft: Callable[..., bytes], rsa_key: Any, verify_one: Any
) -> None:
    """RFC 6376 sections 3.5 and 3.7: all between `b=` and the next semicolon, and nothing else."""
    kept = tail[tail.index(b";") :] if b";" in tail else b""
    unsigned = craft(rsa_key, c=c, b="", raw=lambda field: field + kept)
    start = unsigned.index(b"\r\n\tb=") + 5
    end = unsigned.index(b"\r\nReceived:")
    field = unsigned[:end]
    if c == "relaxed/relaxed":
        name, _, value = field.partition(b":")
        own = name.lower() + b":" + b" ".join(value.split())
        signed = b"from:Alice <alice@example.org>\r\nto:Bob <bob@example.net>\r\nsubject:the plans for next month\r\n"
        signed += b"date:Fri, 01 May 2026 11:59:58 +0000\r\nmessage-id:<1@example.org>\r\n" + own
    else:
        signed = unsigned[unsigned.index(b"From:") : unsigned.index(b"\r\n\r\n") + 2] + field
    value = base64.b64encode(rsa_key.sign(signed))
    folded = b"\r\n\t " + b"\r\n \t".join(value[at : at + 30] for at in range(0, len(value), 30))
    white = tail.partition(b";")[0]
    result = await verify_one(unsigned[:start] + folded + white + unsigned[start:])
    assert result.result is Result.PASS, unsigned[:end]


@pytest.mark.parametrize("blank", [b"\r\n\r\n", b"\r\n\n", b"\n\r\n", b"\n\n"], ids=repr)
async def test_coverage_begins_after_the_blank_line_however_it_ends(
    blank: bytes, rsa_key: Any, seal: Any, verify_one: Any, header: bytes, body: bytes
) -> None:
    """Stored mail may have mixed line ends; what is covered is the body as the parser finds it."""
    signed = await seal(header + b"\r\n" + body, rsa_key)
    octets = signed.replace(b"\r\n\r\n", blank, 1)
    result = await verify_one(octets)
    assert result.result is Result.PASS
    assert result.coverage.ranges == ((parse(octets).body_start, len(octets)),)
