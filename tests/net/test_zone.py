"""The resolver behind `--dns`: master files (RFC 1035 section 5), wildcards (RFC 4592), what does not exist."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsec.errors import DnsTemporaryError, InputError, LimitError, MailsecError, UsageError
from mailsec.hooks import DnsAnswer, Dnssec, DnsStatus, MailExchange
from mailsec.net import zone as zone_module
from mailsec.net.zone import ZoneResolver

ZONE = r"""
; several origins in one file
$TTL 60
$ORIGIN example.org.
@ IN SOA ns hostmaster 1 2 3 4 5
@ MX 10 mail
  MX 20 mx2.example.net.
s1._domainkey 3600 IN TXT ( "v=DKIM1; k=rsa; "  ; a comment; with "quotes"
   "p=\"AB\010;" )
  A 192.0.2.1
www CNAME s1._domainkey
chain 5 CNAME www
gone CNAME nowhere.invalid.
*.wild TXT hi
sub.wild A 192.0.2.9
*.cname CNAME www
a.b.c A 192.0.2.2
loop CNAME loop2
loop2 CNAME loop
both IN 7 TXT one
both 9 IN TXT two
\065scaped A 192.0.2.3
$ORIGIN example.net.
x TXT "net"
müller AAAA 2001:db8::1
straße TXT "sharp s"
strasse TXT "two of them"
$ORIGIN sub
y TXT below
deep.example.com. 5 TXT a b
$TTL 1h
late.example.com. PTR host.example.org.
"""

FOUND, NO_DATA, NO_NAME = DnsStatus.FOUND, DnsStatus.NO_DATA, DnsStatus.NO_NAME

ANSWERS = [
    ("owner @", "example.org", "MX", (MailExchange(10, "mail.example.org"), MailExchange(20, "mx2.example.net")), 60),
    ("names compare without regard to case (RFC 4343)", "EXAMPLE.org.", "SOA",
     ("ns.example.org. hostmaster.example.org. 1 2 3 4 5",), 60),
    ("several strings, parentheses, comments and escapes", "s1._domainkey.example.org", "TXT",
     (b'v=DKIM1; k=rsa; p="AB\x0a;',), 3600),
    ("a line that starts with a blank has the owner before", "s1._domainkey.example.org", "A", ("192.0.2.1",), 60),
    ("CNAME is followed; the least TTL counts", "www.example.org", "TXT", (b'v=DKIM1; k=rsa; p="AB\x0a;',), 60),
    ("CNAME of CNAME", "chain.example.org", "A", ("192.0.2.1",), 5),
    ("a question for CNAME itself", "www.example.org", "CNAME", ("s1._domainkey.example.org",), 60),
    ("wildcard (RFC 4592)", "x.y.wild.example.org", "TXT", (b"hi",), 60),
    ("wildcard with CNAME", "q.cname.example.org", "A", ("192.0.2.1",), 60),
    ("class and TTL in either order; an RRset has one TTL (RFC 2181 section 5.2)", "both.example.org", "TXT",
     (b"one", b"two"), 7),
    ("decimal escape in a name", "ascaped.example.org", "A", ("192.0.2.3",), 60),
    ("a second origin", "x.example.net", "TXT", (b"net",), 60),
    ("U-label asked", "müller.example.net", "AAAA", ("2001:db8::1",), 60),
    ("A-label asked", "xn--mller-kva.example.net", "AAAA", ("2001:db8::1",), 60),
    ("sharp s is not ss (RFC 5894 section 7.2)", "straße.example.net", "TXT", (b"sharp s",), 60),
    ("nor is ss sharp s", "strasse.example.net", "TXT", (b"two of them",), 60),
    ("the A-label of sharp s", "xn--strae-oqa.example.net", "TXT", (b"sharp s",), 60),
    ("ideographic full stop (RFC 3490 section 3.1)", "müller。example。net", "AAAA", ("2001:db8::1",), 60),
    ("an origin under the origin", "y.sub.example.net", "TXT", (b"below",), 60),
    ("strings without quotes", "deep.example.com", "TXT", (b"ab",), 5),
    ("$TTL again, with a unit", "late.example.com", "PTR", ("host.example.org",), 3600),
]  # fmt: skip

NEGATIVES = [
    ("a name that is not in the file", "nobody.example.org", "TXT", NO_NAME),
    ("a domain that is not in the file", "example.edu", "TXT", NO_NAME),
    ("a type that the name has not", "x.example.net", "A", NO_DATA),
    ("an empty non-terminal (RFC 8020)", "b.c.example.org", "A", NO_DATA),
    ("the parent of a wildcard", "wild.example.org", "TXT", NO_DATA),
    ("a name that exists is no wildcard's", "sub.wild.example.org", "TXT", NO_DATA),
    ("below a name that exists (RFC 4592 section 3.3.1)", "z.sub.wild.example.org", "TXT", NO_NAME),
    ("CNAME to a name that is not in the file", "gone.example.org", "A", NO_NAME),
    ("CNAME to a name without such data", "www.example.org", "AAAA", NO_DATA),
    ("an empty label", "a..b", "TXT", NO_NAME),
    ("an empty name", "", "TXT", NO_NAME),
    ("the root", ".", "TXT", NO_DATA),
    ("a label of 64 octets", "x" * 64 + ".org", "TXT", NO_NAME),
    ("a name over 255 octets", ".".join(["x" * 60] * 5), "TXT", NO_NAME),
    ("a wildcard's parent so long that nothing fits", ".".join(["x" * 60] * 4) + ".wild.example.org", "TXT", NO_NAME),
    ("a character that is none yet", "\u0378.example.org", "TXT", NO_NAME),
    ("wide letters are not narrow ones (RFC 5891)", "\uff58.example.net", "TXT", NO_NAME),
    ("a label of more than 63 characters", "ü" * 64 + ".example.net", "TXT", NO_NAME),
    ("a backslash is no escape in a question", "\\097scaped.example.org", "A", NO_NAME),
    ("control characters", "a\x00\x1b[31m.example.org", "TXT", NO_NAME),
]


@pytest.fixture(scope="module")
def zone() -> ZoneResolver:
    return ZoneResolver(ZONE)


@pytest.mark.parametrize(("name", "rdtype", "records", "ttl"), [c[1:] for c in ANSWERS], ids=[c[0] for c in ANSWERS])
async def test_answers(zone: ZoneResolver, name: str, rdtype: str, records: tuple[object, ...], ttl: int) -> None:
    plain = name.lower().removesuffix(".")
    assert await zone.query(name, rdtype) == DnsAnswer(plain, rdtype, FOUND, records, ttl, Dnssec.UNKNOWN)  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "rdtype", "status"), [c[1:] for c in NEGATIVES], ids=[c[0] for c in NEGATIVES])
async def test_what_is_not_there(zone: ZoneResolver, name: str, rdtype: str, status: DnsStatus) -> None:
    answer = await zone.query(name, rdtype)
    assert (answer.status, answer.records) == (status, ())


async def test_cname_in_a_circle_is_no_answer(zone: ZoneResolver) -> None:
    with pytest.raises(DnsTemporaryError, match=r"loop\.example\.org A: .*CNAME"):
        await zone.query("loop.example.org", "A")


@pytest.mark.parametrize("rdtype", ["NONSENSE", "", "ANY", "TYPE99999"])
async def test_no_record_type(zone: ZoneResolver, rdtype: str) -> None:
    with pytest.raises(UsageError, match="type"):
        await zone.query("example.org", rdtype)


MALFORMED = [
    ("data missing", "example.org. TXT", 1, "TXT record"),
    ("type missing", "\nexample.org. IN 5\n", 2, "record type is missing"),
    ("unknown type", "example.org. FOO x\n", 1, "'FOO' is no record type"),
    ("a type for questions only", "example.org. ANY x\n", 1, "'ANY'"),
    ("bad address", "a. A 192.0.2\n", 1, "A record"),
    ("bad preference", "a. MX x y\n", 1, "MX record"),
    ("trailing data", "a. A 192.0.2.1 192.0.2.2\n", 1, "A record"),
    ("$INCLUDE", "$INCLUDE /etc/passwd\n", 1, "$INCLUDE"),
    ("$GENERATE", "$GENERATE 1-1000000000 a$ A 192.0.2.1\n", 1, "$GENERATE"),
    ("$ORIGIN without a name", "a. A 192.0.2.1\n$ORIGIN\n", 2, "identifier"),
    ("$ORIGIN with too much", "$ORIGIN a. b.\n", 1, "expected"),
    ("$TTL that is none", "$TTL x\n", 1, "TTL"),
    ("open quote", 'a. A 192.0.2.1\na. TXT "abc\n', 2, "quote"),
    ("open parenthesis", 'a. TXT ( "abc"\n\n', 1, "parenthes"),
    ("parenthesis too many", "a. TXT abc )\n", 1, "TXT record"),
    ("a label of 70 octets", "x" * 70 + " A 192.0.2.1\n", 1, "label"),
    ("another class", "a. CH TXT x\n", 1, "class CH"),
    ("CNAME and others (RFC 1034 section 3.6.2)", "a. CNAME b.\n\na. TXT x\n", 3, "a has a CNAME"),
    ("others and CNAME", "a. TXT x\na. CNAME b.\n", 2, "a has a CNAME"),
    ("a blank before the first name", "\n\n  TXT x\n", 3, "name before"),
    ("TTL too large", "a. 99999999999999 A 192.0.2.1\n", 1, "TTL"),
    ("escape too large", 'a. TXT "\\999"\n', 1, "TXT record"),
    ("a string over 255 octets", 'a. TXT "' + "x" * 256 + '"\n', 1, "TXT record"),
]


@pytest.mark.parametrize(("text", "line", "words"), [c[1:] for c in MALFORMED], ids=[c[0] for c in MALFORMED])
def test_malformed_files_are_named_with_their_line(text: str, line: int, words: str) -> None:
    with pytest.raises(InputError) as caught:
        ZoneResolver(text, "dns.zone")
    assert str(caught.value).startswith(f"dns.zone, line {line}: ")
    assert words in str(caught.value)


def test_file(tmp_path: Path) -> None:
    good = tmp_path / "good.zone"
    good.write_text("\ufeffexample.org TXT x\n", encoding="utf-8")
    ZoneResolver.from_file(good)
    latin = tmp_path / "latin.zone"
    latin.write_bytes(b"a. TXT x\nb. TXT \xfc\n")
    with pytest.raises(InputError, match=r"latin\.zone, line 2: .*UTF-8"):
        ZoneResolver.from_file(latin)
    with pytest.raises(InputError, match=r"missing\.zone cannot be read: No such file"):
        ZoneResolver.from_file(tmp_path / "missing.zone")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        ZoneResolver.from_file(tmp_path)


def test_file_over_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zone_module, "MAX_OCTETS", 10)
    large = tmp_path / "large.zone"
    large.write_text("example.org TXT x\n")
    with pytest.raises(LimitError, match="more than 10 octets"):
        ZoneResolver.from_file(large)


@given(st.text(alphabet=st.sampled_from('ab.@$ \t\n();"\\0129xTAINMX*_-é\u3002\x00'), max_size=120))
async def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        zone = ZoneResolver(text)
    except InputError:
        return
    for word in text.split()[:3]:
        await zone.query(word, "TXT")


@given(st.text(max_size=300))
async def test_any_name_has_an_answer(name: str) -> None:
    try:
        answer = await ZoneResolver("a. TXT x").query(name, "TXT")
    except MailsecError as error:
        pytest.fail(f"{name!r}: {error}")
    assert answer.status in DnsStatus
