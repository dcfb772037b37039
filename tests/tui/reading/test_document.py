"""What a message looks like as lines: which parts, in which order, who vouches for each line."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from mailsec.crypto import load_certificates
from mailsec.crypto.cms import build_certificates_only
from mailsec.message import parse
from mailsec.message.compose import attachment, image, multipart, nested, text, write_message
from mailsec.tui.reading import make_document
from mailsec.tui.reading.document import Document
from mailsec.tui.reading.lines import Kind, Link

HEAD = [("From", "Alice <alice@example.org>"), ("Subject", "S")]


def lines_of(octets: bytes, width: int = 76, **more: object) -> list[str]:
    """A document as text: who vouches, quotes, and what the line is, where it is no plain text."""
    return [shown(line) for line in make_document(parse(octets), None, width=width, **more).lines()]


def shown(line: object) -> str:
    kind = "" if line.kind in {Kind.TEXT, Kind.RULE} else f"<{line.kind.value}> "
    rule = "----" if line.kind is Kind.RULE else ""
    return " :|"[line.cover] + kind + "> " * line.quote + rule + line.text


# -- the demonstration ---------------------------------------------------------------------------------------

CONTRACT = [
    "|Hello Robin,",
    "|",
    "|here is the version that we agreed on: 100 euros a month, from May on.",
    "|",
    "|Regards, Alice",
]
NEWS = [":Hello Robin,", ":", ":the train leaves at 100 minutes past eight.", ":", ":Alice"]


def bare(lines: list[str]) -> list[str]:
    return [f" {line[1:]}" for line in lines]


DEMO: dict[str, list[str]] = {
    "smime-rsa": CONTRACT,
    "smime-opaque": CONTRACT,
    "smime-pss": CONTRACT,
    "smime-and-dkim": CONTRACT,
    "smime-two-signers": CONTRACT,  # Alice's own signature holds
    "smime-expired": bare(CONTRACT),
    "smime-unknown-issuer": bare(CONTRACT),
    "smime-wrong-purpose": bare(CONTRACT),
    "smime-weak-key": bare(CONTRACT),
    "smime-other-person": bare(CONTRACT),
    "smime-tampered": [line.replace("100", "900") for line in bare(CONTRACT)],
    "smime-partly-signed": [*CONTRACT, " ", " _______________", " To leave this list pay 10 euros to its owner."],
    "smime-with-attachment": [
        "|The invoice is attached.",
        "|",
        "|<attachment> ▤ invoice-2231.pdf  application/pdf, 21 B",
    ],
    "dkim-rsa": NEWS,
    "dkim-simple": NEWS,
    "dkim-appended": [*NEWS, " ", " PS: our account has changed. Please pay to the new one."],
    "dkim-tampered-body": [line.replace("100", "900") for line in bare(NEWS)],
    "dkim-tampered-subject": bare(NEWS),
    "dkim-other-domain": bare(NEWS),
    "dkim-subdomain": bare(NEWS),
    "dkim-sha1": bare(NEWS),
    "dkim-short-key": bare(NEWS),
    "dkim-test-mode": bare(NEWS),
    "dkim-expired": bare(NEWS),
    "dkim-missing-key": bare(NEWS),
    "dkim-one-of-two": [line.replace("100", "200") for line in NEWS],
    "dkim-html-and-image": [
        ":The logo is a blue dot.",
        ":",
        ":<attachment> ▤ números – 数字.csv  text/csv, 15 B",
    ],
    "two-from-fields": [" One of us wrote this."],
    "forged-results": [" Your account has been verified. Confirm it again."],
    "hostile-controls": [
        " Clear the screen: ␛[2J␛[H",
        " Title: ␛]0;owned␇",
        " C1: \ufffd31m red \ufffdm",
        " Backspace: safe␈␈␈␈evil",
        " Carriage return: V verified␋",
        " NUL and DEL: ␁␡",
    ],
    "hostile-markup": [
        " https://bank.example/[1!][bold]not bold[/red]",
        " ",
        " ----",
        " <target> [1] http://example.com/  ! its text says bank.example",
        " ",
        " <notice> A picture that lies elsewhere was not loaded.",
    ],
    "html-and-image": [
        " <heading> Hello",
        " ",
        " A dot: [dot]",
        " ",
        " • one",
        " • two",
        " ",
        " <attachment> ▣ dot.png  image/png, 160 B",
    ],
    "attachments": [
        " Four files.",
        " ",
        " <attachment> ▣ dot.png  image/png, 160 B",
        " <attachment> ▤ silence.wav  audio/wav, 16 B",
        " <attachment> ▤ zeros.bin  application/octet-stream, 4.1 kB",
        " <attachment> ▤ blåbær – 果物.txt  text/plain, 18 B",
    ],
    "old-charsets": [" 日本語の手紙。", " ", " Письмо на русском.", " ", " “Grüße” – 10 €"],
    "flowed": [
        " > > Shall we meet on Monday, or is it better to wait until everybody is",
        " > > back?",
        " > Monday is fine, as long as it is not too early.",
        " Then Monday at ten, in the small room on the second floor.",
        " <signature> -- ",
        " <signature> Carol",
    ],
    "broken-mime": [" nuqneH ÿ"],
    "deep-nesting": [" Open it.", " ", " <attachment> ▤ all.eml  message/rfc822, 6.2 kB"],
}


@pytest.mark.parametrize("name", DEMO)
def test_the_demonstration(name: str, demo: object) -> None:
    report = demo.reports[name]
    found = [shown(line) for line in make_document(report.message, report, width=76).lines()]
    expected = [line.replace("-- ", "--") if line.startswith(" <signature>") else line for line in DEMO[name]]
    if name == "deep-nesting":  # how large it is depends on boundaries made at random
        found, expected = found[:2], expected[:2]
    assert found == expected


def test_every_message_of_the_demonstration_fits_in_every_width(demo: object) -> None:
    for report in demo.reports.values():
        for width in (10, 21, 57, 117):
            for html in (False, True):
                document = make_document(report.message, report, width=width, html=html, headers=True)
                assert_sound(document, width)


# -- which parts ---------------------------------------------------------------------------------------------

PLAIN, PAGE = text("plain\n"), text("<p>page</p>", "html")
PARTS = {
    "plain is preferred": (multipart("alternative", PLAIN, PAGE), False, [" plain"]),
    "the page on demand": (multipart("alternative", PLAIN, PAGE), True, [" page"]),
    "an empty plain text is none": (multipart("alternative", text("\n \n"), PAGE), False, [" page"]),
    "the richest page": (multipart("alternative", PAGE, text("<p>better</p>", "html")), False, [" better"]),
    "only pictures to choose from": (
        multipart("alternative", image(b"GIF", "a@b", filename="a.gif")),
        False,
        [" <notice> This message has no text.", " ", " <attachment> ▣ a.gif  image/png, 3 B"],
    ),
    "mixed in order": (multipart("mixed", text("one\n"), text("two\n")), False, [" one", " ", " two"]),
    "an invitation beside the text": (
        multipart("alternative", PLAIN, attachment(b"BEGIN:VCALENDAR", "i.ics", "text/calendar")),
        False,
        [" plain", " ", " <attachment> ▤ i.ics  text/calendar, 15 B"],
    ),
    "a page with its picture": (
        multipart("related", text('<p><img src="cid:a@b"></p>', "html"), image(b"GIF", "a@b", filename="a.gif")),
        False,
        [" [picture]", " ", " <attachment> ▣ a.gif  image/png, 3 B"],
    ),
    "a message inside": (
        nested(write_message([("From", "Bob <b@example.net>"), ("Subject", "[b]x[/b]")], text("inner\n"))),
        False,
        [" ----", " <field> From: Bob <b@example.net>", " <field> Subject: [b]x[/b]", " ", " ", " inner", " ", " ----"],
    ),
}


@pytest.mark.parametrize(("entity", "html", "expected"), PARTS.values(), ids=PARTS)
def test_parts(entity: object, html: bool, expected: list[str]) -> None:
    assert lines_of(write_message(HEAD, entity), html=html) == expected


RAW = {
    "nothing": (b"", [" <notice> This message has no text."]),
    "no body": (b"From: a@example.org\r\n\r\n", [" <notice> This message has no text."]),
    "OpenPGP is not opened": (
        (
            b"Content-Type: multipart/encrypted; boundary=b\r\n\r\n--b\r\n"
            b"Content-Type: application/pgp-encrypted\r\n\r\n"
            b"Version: 1\r\n--b\r\nContent-Type: application/octet-stream\r\n\r\nx\r\n--b--\r\n"
        ),
        [
            " <notice> This is encrypted in a way that mailsec cannot open (multipart/encrypted).",
            " ",
            " <attachment> ▤ (no name)  application/octet-stream, 1 B",
        ],
    ),
    "S/MIME before it was checked": (
        b"Content-Type: application/pkcs7-mime\r\n\r\nMII=\r\n",
        [" <notice> This part is wrapped in S/MIME; it is shown when it has been checked."],
    ),
    "what lies elsewhere is not fetched": (
        b'Content-Type: message/external-body; access-type=URL; URL="http://example.com/x"\r\n\r\n',
        [" <notice> A part of this message lies elsewhere (message/external-body); nothing is fetched."],
    ),
    "a multipart without parts is text": (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\nThere are none.\r\n",
        [" There are none."],
    ),
    "a name that is markup": (
        b'Content-Type: application/x; name="[red]a[/red]"\r\n\r\nx',
        [" <notice> This message has no text.", " ", " <attachment> ▤ [red]a[/red]  application/x, 1 B"],
    ),
    "tabs": (b"\r\na\tb\r\n\tc\r\n", [" a       b", "         c"]),
    "quotes": (b"\r\n> a\r\n>> b\r\n> > c\r\nd\r\n", [" > a", " > > b", " > > c", " d"]),
    "long quotes are folded": (
        b"\r\nSee:\r\n" + b"> old\r\n" * 5 + b"new\r\n",
        [" See:", " <fold> + 5 quoted lines: old", " new"],
    ),
    "UTF-16": (b"Content-Type: text/plain; charset=utf-16\r\n\r\n" + "ä\nb".encode("utf-16"), [" ä", " b"]),
}


@pytest.mark.parametrize(("octets", "expected"), RAW.values(), ids=RAW)
def test_raw(octets: bytes, expected: list[str]) -> None:
    assert lines_of(octets, 100) == expected


def test_encrypted_says_what_is_known(demo: object) -> None:
    report = demo.check(
        b"From: a@example.org\r\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\nMAsGCSqGSIb3DQEHAw==\r\n"
    )
    lines = [shown(line) for line in make_document(report.message, report, width=200).lines()]
    assert len(lines) == 1
    assert lines[0].startswith(" <notice> This part could not be opened: ")


def test_certificates_alone_are_nothing_to_show(demo: object) -> None:
    """RFC 8551 section 3.8; and so are receipts, which are about another message."""
    bundle = base64.encodebytes(build_certificates_only(load_certificates(demo.settings.trust[0].read_bytes())))
    head = b"From: a@example.org\r\nContent-Type: application/pkcs7-mime; smime-type=certs-only\r\n"
    report = demo.check(head + b"Content-Transfer-Encoding: base64\r\n\r\n" + bundle)
    lines = [shown(line) for line in make_document(report.message, report, width=200).lines()]
    wanted = " <notice> There is nothing to show in this part: only certificates are in it, and nothing is signed."
    assert lines == [wanted]


def test_unfolded_quotes_are_whole() -> None:
    octets = b"\r\n" + b"> old\r\n" * 5
    assert lines_of(octets, fold_quotes=False) == [" > old"] * 5


def test_all_header_fields_with_who_vouches_for_them(demo: object) -> None:
    report = demo.reports["dkim-rsa"]
    lines = [shown(line) for line in make_document(report.message, report, width=200, headers=True).lines()]
    assert ":<field> Subject: When the train leaves" in lines
    assert any(line.startswith(" <field> DKIM-Signature: v=1;") for line in lines)


def test_without_glyphs_there_is_only_ascii(demo: object) -> None:
    report = demo.reports["smime-with-attachment"]
    document = make_document(report.message, report, width=76, glyphs=False)
    assert all(line.text.isascii() for line in document.lines())


# -- links ---------------------------------------------------------------------------------------------------

LINKS = {
    "in a sentence": ("See https://example.org/a?b=c, please.", ["https://example.org/a?b=c"]),
    "in brackets": ("(http://example.org/x_(y))", ["http://example.org/x_(y)"]),
    "angle brackets": ("<http://example.org/>", ["http://example.org/"]),
    "without scheme": ("www.example.org!", ["http://www.example.org"]),
    "an address": ("mailto:a@example.org", ["mailto:a@example.org"]),
    "two": ("http://a.example http://b.example", ["http://a.example", "http://b.example"]),
    "none": ("no://link and http:// either", []),
}


@pytest.mark.parametrize(("line", "urls"), LINKS.values(), ids=LINKS)
def test_links_in_text(line: str, urls: list[str]) -> None:
    document = make_document(parse(f"\r\n{line}\r\n".encode()), None, width=76)
    assert list(stops(document)) == [Link(url) for url in urls]


def stops(document: Document) -> Iterator[object]:
    place = None
    while (place := document.next_stop(place, 0)) is not None:
        yield document.stop(place)


def test_links_are_stepped_through_both_ways() -> None:
    body = "".join(f"http://example.org/{n}\r\n" + "word\r\n" * 400 for n in range(20))
    document = make_document(parse(f"\r\n{body}".encode()), None, width=76)
    forward = list(stops(document))
    assert [one.url for one in forward] == [f"http://example.org/{n}" for n in range(20)]
    place, back = None, []
    while (place := document.next_stop(place, document.height - 1, forward=False)) is not None:
        back.append(document.stop(place))
    assert back == forward[::-1]


def test_a_link_over_several_lines_is_one() -> None:
    url = "http://example.org/" + "x" * 200
    document = make_document(parse(f"\r\n{url}\r\n".encode()), None, width=40)
    place = document.next_stop(None, 0)
    assert document.stop(place) == Link(url)
    assert document.stop_lines(place) == (0, 6)


# -- only what is seen ---------------------------------------------------------------------------------------


def test_a_text_is_decoded_only_where_it_is_seen() -> None:
    body = b"".join(b"line %d\r\n" % n for n in range(300_000))
    document = make_document(parse(b"\r\n" + body), None, width=76)
    document.settle(0, 0, 50)
    assert document.line(0).text == "line 0"
    assert sum(document._known) < 40
    document.settle(document.height - 1, 0, 1)
    top = document.settle(document.height - 1, 40, 1)
    assert document.line(top).text == "line 299999"
    assert [document.line(top - n).text for n in range(40)] == [f"line {299_999 - n}" for n in range(40)]
    assert sum(document._known) < 45


@given(st.lists(st.tuples(st.integers(0, 60_000), st.integers(0, 80), st.integers(1, 80)), min_size=1, max_size=6))
@settings(max_examples=25, deadline=None)
def test_nothing_moves_under_the_readers_eyes(moves: list[tuple[int, int, int]]) -> None:
    """Whatever is laid out, the line at the top of the screen stays, and its neighbours are those of the text."""
    body = b"".join(b"%d %s\r\n" % (n, b"word " * (n % 41)) for n in range(20_000))
    document = make_document(parse(b"\r\n" + body), None, width=60)
    for start, before, after in moves:
        top = document.settle(min(start, document.height - 1), 0, 1)
        line = document.line(top)
        top = document.settle(top, before, after)
        assert document.line(top) is line or document.line(top) == line
        around = [document.line(n).text for n in range(max(0, top - before), min(document.height, top + after))]
        numbers = [int(text.split()[0]) for text in around if text[:1].isdigit()]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True
        assert document.settle(top, before, after) == top


def test_a_place_holds_for_another_width() -> None:
    body = b"".join(b"%d %s\r\n" % (n, b"word " * 40) for n in range(2_000))
    document = make_document(parse(b"\r\n" + body), None, width=100)
    narrow = document.widened(40)
    top = document.settle(document.height // 2, 3, 1)
    number = next(int(text.split()[0]) for n in range(3) if (text := document.line(top - n).text)[0].isdigit())
    there = narrow.settle(narrow.line_at(document.place(top)), 20, 20)
    near = " ".join(narrow.line(n).text for n in range(there - 20, there + 20))
    assert 800 < number < 1_200
    assert any(f" {n} " in near for n in range(number - 2, number + 3))


def test_a_line_without_end() -> None:
    document = make_document(parse(b"\r\n" + b"x" * 1_000_000), None, width=80)
    assert sum(len(line.text) for line in document.lines()) == 1_000_000


def test_characters_are_not_cut_where_a_long_line_is() -> None:
    document = make_document(
        parse(b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + "é".encode() * 200_000), None, width=80
    )
    assert "".join(line.text for line in document.lines()) == "é" * 200_000


# -- anything at all -----------------------------------------------------------------------------------------


def assert_sound(document: Document, width: int) -> None:
    lines = list(document.lines())
    assert document.height == len(lines)
    for line in lines:
        assert not any(ord(one) < 0x20 or 0x7F <= ord(one) < 0xA0 for one in line.text), line
        assert not any(one in line.text for one in "\u200b\u200e\u200f\u202a\u202b\u202d\u202e\u2066\u2067\u2069\ufeff")
        assert cell_len(line.text) + 2 * min(line.quote, 6) <= max(width, 20), line
        at = 0
        for span in line.spans:
            assert at <= span.start < span.end <= len(line.text)
            at = span.end


PIECES = st.sampled_from(
    ["<p>", "</p>", "<a href='http://a.example/'>", "</a>", "<table><tr><td>", "</td>", "</table>", "> ", "\n", " ", "\t",
     "<b>", "</b>", "<li>", "<ul>", "<blockquote>", "<pre>", "<img src=x>", "x", "漢字", "\x1b[31m", "\u202e", "e\u0301",
     "👩\u200d💻", "http://example.org/", "&nbsp;", "<div style='display:none'>", "--b\r\n", "\r\n\r\n", "\x00", "\x9b"]
)  # fmt: skip
TYPES = st.sampled_from(
    ["text/plain", "text/html", "text/plain; format=flowed; delsp=yes", "text/plain; charset=utf-16",
     "multipart/mixed; boundary=b", "multipart/alternative; boundary=b", "multipart/related; boundary=b",
     "multipart/signed; boundary=b", "message/rfc822", "application/pkcs7-mime", "image/png", "x"]
)  # fmt: skip
ENCODINGS = st.sampled_from(["7bit", "base64", "quoted-printable", "x-uuencode", "?"])


@given(TYPES, ENCODINGS, st.lists(PIECES, max_size=60).map("".join), st.integers(4, 130), st.booleans(), st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_text_in_any_width(kind: str, encoding: str, body: str, width: int, html: bool, fold: bool) -> None:
    head = f"From: \x1b[2J\u202e{body[:40]}\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    message = parse((head + body).encode())
    assert_sound(make_document(message, None, width=width, html=html, fold_quotes=fold, headers=True), width)


@given(st.binary(max_size=2_000), st.integers(8, 130))
@settings(max_examples=200, deadline=None)
def test_any_octets_in_any_width(octets: bytes, width: int) -> None:
    assert_sound(make_document(parse(octets), None, width=width, html=True), width)
