"""What the index keeps of a message, of hostile ones too."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsec.demo import make_mailbox
from mailsec.hooks.manager import PluginManager
from mailsec.store import Summary, summarize
from mailsec.store.summary import LIMITS

HEAD = b"From: alice@example.org\n"


def of(octets: bytes) -> Summary:
    return summarize(HEAD + octets)


def test_a_plain_letter() -> None:
    letter = (
        b"From: =?utf-8?q?Alice_=C3=84?= <alice@example.org>, bob@example.net\n"
        b"To: Carol <carol@example.com>, dan@example.com, friends: eve@example.com;\nCc: Frank <frank@example.com>\n"
        b"Reply-To: list@example.org\nSubject: =?utf-8?b?VMOkc3Q=?=\nDate: Fri, 01 May 2026 12:00:00 +0200\n"
        b"Message-ID: <1@example.org>\nReferences: <a@x>\n <b@x>\nIn-Reply-To: <c@x>\n\nHello\n"
    )
    assert summarize(letter) == Summary(
        message_id="1@example.org",
        references=("a@x", "b@x"),
        author_name="Alice Ä",
        author="alice@example.org",
        recipients="Carol, dan@example.com, eve@example.com",
        subject="Täst",
        date=1777629600,
        size=len(letter),
        attachments=0,
        authors_words="Alice Ä alice@example.org  bob@example.net list@example.org",
        recipients_words="Carol carol@example.com  dan@example.com eve@example.com Frank frank@example.com",
        attachments_words="",
        body_words="Hello\n",
    )


DATES = [
    (b"Date: Fri, 01 May 2026 12:00:00 +0000\nReceived: x; Fri, 01 May 2026 11:00:00 +0000\n", 1777636800),
    (
        b"Date: nonsense\nReceived: by x; Fri, 01 May 2026 11:00:00 +0000\nReceived: y; 1 Jan 2000 00:00 +0000\n",
        1777633200,
    ),
    (b"Received: from a (b; c) by x;\n Fri, 01 May 2026 11:00:00 +0000 (UTC)\n", 1777633200),
    (b"Received: x\n", 0),
    (b"", 0),
    (b"Date: Thu, 01 Jan 1950 00:00:00 +0000\n", 0),
]


@pytest.mark.parametrize(("fields", "date"), DATES)
def test_its_date(fields: bytes, date: int) -> None:
    assert of(fields + b"\n").date == date


IDENTIFIERS = [
    (b"Message-ID: <a@x>\n", "a@x", ()),
    (b"Message-ID: a@x\n", "", ()),
    (b"Message-ID: <a@x> <b@x>\n", "b@x", ()),
    (b"Message-ID: <" + b"a" * 501 + b">\n", "", ()),
    (b"In-Reply-To: <a@x>\n", "", ("a@x",)),
    (b"In-Reply-To: Your message of Friday <a@x>\n", "", ("a@x",)),
    (b"References: \nIn-Reply-To: <a@x>\n", "", ("a@x",)),
    (b"References: " + b"\n ".join(b"<%d@x>" % n for n in range(100)) + b"\n", "",
     tuple(f"{n}@x" for n in range(100 - LIMITS.references, 100))),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "own", "references"), IDENTIFIERS)
def test_its_identifiers(fields: bytes, own: str, references: tuple[str, ...]) -> None:
    summary = of(fields + b"\n")
    assert (summary.message_id, summary.references) == (own, references)


def parts(kind: bytes, *parts: bytes) -> bytes:
    inner = b"".join(b"--b\n" + part + b"\n" for part in parts)
    return b"Content-Type: multipart/" + kind + b"; boundary=b\n\n" + inner + b"--b--\n"


TEXT = b"Content-Type: text/plain\n\nthe text is this here\n"
PDF = b"Content-Type: application/pdf; name=plan.pdf\n\nx"
IMAGE = b"Content-Type: image/png\nContent-ID: <i@x>\n\nx"
ATTACHMENTS = [
    ("text alone", TEXT, 0, ""),
    ("with a document", parts(b"mixed", TEXT, PDF), 1, "plan.pdf"),
    ("a text by name", parts(b"mixed", TEXT, b"Content-Type: text/csv; name=a.csv\n\nx"), 1, "a.csv"),
    ("a text that is said to be attached", parts(b"mixed", TEXT, b"Content-Disposition: attachment\n\nx"), 1, ""),
    ("no name", parts(b"mixed", TEXT, b"Content-Type: image/png\n\nx"), 1, ""),
    ("an image of the page", parts(b"related", b"Content-Type: text/html\n\n<b>", IMAGE), 0, ""),
    ("an image beside the page", parts(b"mixed", TEXT, IMAGE), 1, ""),
    ("a message", parts(b"mixed", TEXT, b"Content-Type: message/rfc822\n\nSubject: x\n\ny"), 0, ""),
    ("a message that is said to be attached",
     parts(b"mixed", b"Content-Type: message/rfc822\nContent-Disposition: attachment\n\nSubject: x\n\ny"), 1, ""),
    ("a signature", parts(b"signed", TEXT, b"Content-Type: application/pkcs7-signature; name=smime.p7s\n\nx"), 0, ""),
    ("an opaque one", b"Content-Type: application/pkcs7-mime; name=smime.p7m\n\nx", 0, ""),
    ("a document alone", PDF, 1, "plan.pdf"),
    ("a name in RFC 2231", b"Content-Disposition: attachment; filename*=utf-8''%C3%84.pdf\n\nx", 1, "Ä.pdf"),
]  # fmt: skip


@pytest.mark.parametrize(("octets", "count", "names"), [c[1:] for c in ATTACHMENTS], ids=[c[0] for c in ATTACHMENTS])
def test_attachments(octets: bytes, count: int, names: str) -> None:
    summary = of(octets)
    assert (summary.attachments, summary.attachments_words) == (count, names)


HTML = b"Content-Type: text/html; charset=utf-8\n\n"
WORDS = [
    ("base64", b"Content-Transfer-Encoding: base64\n\naGVsbG8=\n", "hello"),
    ("a charset", b"Content-Type: text/plain; charset=iso-8859-1\n\nStra\xdfe", "Straße"),
    ("a wrong charset", b"Content-Type: text/plain; charset=nonsense\n\nStra\xc3\x9fe", "Straße"),
    ("halves of surrogate pairs", b"Content-Type: text/plain; charset=utf-7\n\n+2AA-x", "?x"),
    ("NUL", b"\na\0b", "a b"),
    ("tags", HTML + b"<p class='x'>Hello,<br>Bob &amp; <b>Carol</b></p>", "Hello, Bob & Carol"),
    ("what HTML hides", HTML + b"a<style>p{x}</style>b<SCRIPT>no()</ScRiPt >c<!-- d > --> e", "a b c e"),
    ("what never ends", HTML + b"a<!-- b <p>c", "a"),
    ("a tag that never ends", HTML + b"a <b c", "a <b c"),
    ("an alternative to plain text", parts(b"alternative", TEXT, b"Content-Type: text/html\n\nother"),
     "the text is this here"),
    ("an alternative to nothing", parts(b"alternative", b"\n", b"Content-Type: text/html\n\nother"), "other"),
    ("both where they are no alternatives", parts(b"mixed", TEXT, b"Content-Type: text/html\n\nother"),
     "the text is this here other"),
    ("a message inside", parts(b"mixed", TEXT, b"Content-Type: message/rfc822\n\nSubject: x\n\ninner"),
     "the text is this here inner"),
    ("an attached text", parts(b"mixed", TEXT, b"Content-Type: text/plain; name=a.txt\n\nother"),
     "the text is this here"),
]  # fmt: skip


@pytest.mark.parametrize(("octets", "words"), [c[1:] for c in WORDS], ids=[c[0] for c in WORDS])
def test_words(octets: bytes, words: str) -> None:
    assert " ".join(of(octets).body_words.split()) == words


def encodable(summary: Summary) -> bool:
    texts = [getattr(summary, name) for name in Summary.__slots__]
    return all("\0" not in text and text.encode() is not None for text in texts if isinstance(text, str))


@given(st.binary(max_size=300) | st.lists(st.sampled_from([
    b"From: ", b"To: ", b"a@x", b"<", b">", b"\n", b"\n\n", b"Content-Type: ", b"multipart/mixed; boundary=b", b"--b\n",
    b"Content-Transfer-Encoding: base64\n", b"=?utf-7?q?+2AA-?=", b"\xff", b"\0", b"Subject: ", b"Date: ",
    b"References: ", b"text/html", b"<!--",
    b"<style", b"&#xd800;", b"&#0;", b"message/rfc822", b"name=", b"; ", b"(", b'"',
]), max_size=40).map(b"".join))  # fmt: skip
def test_whatever_it_is(octets: bytes) -> None:
    summary = summarize(octets)
    assert summary.size == len(octets)
    assert encodable(summary)


def test_the_demonstration_s_messages() -> None:
    mailbox = asyncio.run(make_mailbox(PluginManager(), datetime(2026, 5, 1, 12, tzinfo=UTC)))
    assert len(mailbox.messages) > 40
    for example, octets in mailbox.messages:
        summary = summarize(octets)
        assert encodable(summary), example.name
        assert summary.date > 0, example.name


LARGE = 4_000_000
HOSTILE = [
    ("tags that never end", HTML + b"<" * LARGE),
    ("comments that never end", HTML + b"<!--" * (LARGE // 4)),
    ("styles that never end", HTML + b"<style>" * (LARGE // 7)),
    ("ends without a beginning", HTML + b"</style>" * (LARGE // 8)),
    ("entities", HTML + b"&" * LARGE),
    ("entities by number", HTML + b"&#1" * (LARGE // 3)),
    ("references", b"References: " + b"<" * 200_000 + b"\n\n"),
    ("references that never end", b"References: " + b"<a" * 100_000 + b"\n\n"),
    ("addresses", b"To: " + b"a@x," * 50_000 + b"\n\n"),
    ("comments in addresses", b"To: " + b"(" * 200_000 + b"\n\n"),
    ("quotes in addresses", b"To: " + b'"\\' * 100_000 + b"\n\n"),
    ("encoded words", b"Subject: " + b"=?utf-8?q?a?= " * 15_000 + b"\n\n"),
    ("combining marks", b"From: a" + b"\xcc\x81" * 100_000 + b" <a@x>\n\n"),
    ("parts", b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 100_000),
    ("nested parts", b"".join(b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (n, n) for n in range(5_000))),
    ("base64", b"Content-Transfer-Encoding: base64\n\n" + b"=" * LARGE),
    ("quoted-printable", b"Content-Transfer-Encoding: quoted-printable\n\n" + b"=" * LARGE),
    ("one long word", b"\n" + b"a" * LARGE),
    ("header fields", b"A: b\n" * 50_000 + b"\n"),
    ("parameters", b"Content-Type: text/plain" + b"; a=b" * 30_000 + b"\n\n"),
]  # fmt: skip


@pytest.mark.parametrize("octets", [octets for _, octets in HOSTILE], ids=[name for name, _ in HOSTILE])
@pytest.mark.timeout(20)
def test_nothing_takes_long_or_leads_to_much(octets: bytes) -> None:
    summary = of(octets)
    assert encodable(summary)
    assert len(summary.body_words) <= LIMITS.text
    assert len(summary.references) <= LIMITS.references
    assert len(summary.recipients_words) <= LIMITS.field
    assert summary.attachments <= LIMITS.walked
