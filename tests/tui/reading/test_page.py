"""HTML as text: what is shown, what is not, and what hostile pages cannot do."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailsec.message import safe_text
from mailsec.tui.reading.grid import Grid
from mailsec.tui.reading.hosts import claimed_host, host_of
from mailsec.tui.reading.lines import Cover, Kind, Role
from mailsec.tui.reading.page import LIMIT, PageText, read_page
from mailsec.tui.reading.wrapping import lay_out


def lines_of(html: str, width: int = 60) -> list[str]:
    page = read_page(html)
    found = []
    for block in page.blocks:
        lines = block.lay_out if isinstance(block, Grid) else lambda *more, block=block: lay_out(block, *more)
        found += [
            "> " * line.quote + ("----" if line.kind is Kind.RULE else line.text)
            for line in lines(width, Cover.NOBODY, "")
        ]
    return [*found, *(f"({one})" for one in page.notices)]


PAGES = {
    "blanks": ("  a\n  b &nbsp; c  ", ["a b   c"]),
    "paragraphs": ("<p>a<p>b", ["a", "", "b"]),
    "divisions": ("<div>a</div><div>b</div>", ["a", "b"]),
    "line ends": ("a<br>b<br><br>c<br/>", ["a", "b", "", "c"]),
    "headings": ("<h1>A</h1>b", ["A", "", "b"]),
    "rule": ("a<hr>b", ["a", "", "----", "", "b"]),
    "list": ("<ul><li>a<li>b<ul><li>c</ul></ul>d", ["• a", "• b", "  • c", "", "d"]),
    "numbered list": ("<ol><li>a</li><li>b</li></ol>", ["1. a", "2. b"]),
    "an item of several lines": ("<ul><li>" + "word " * 14, ["• " + ("word " * 11).strip(), "  word word word"]),
    "quote": ("<blockquote>a<blockquote>b</blockquote></blockquote>c", ["> a", "> ", "> > b", "", "c"]),
    "preformatted": ("<pre>a\n  b\n\nc</pre>", ["a", "  b", "", "c"]),
    "entities": ("&lt;b&gt; &eacute; &#x1F600; &unknown; &#0;", ["<b> é 😀 &unknown; \ufffd"]),
    "skipped": ("<head><title>T</title></head><style>x{}</style><script>alert(1)</script>a<!-- b -->", ["a"]),
    "table with columns": (
        "<table><tr><th>Item<th>Price</tr><tr><td>Tea<td>3.20</tr><tr><td>Coffee<td>4</tr></table>",
        ["Item    Price", "Tea     3.20", "Coffee  4"],
    ),
    "table for layout": (
        "<table><tr><td><p>a</p><p>b</p></td><td>c</td></tr></table>",
        ["a", "", "b", "c"],
    ),
    "short cells beside each other": ("<table><tr><td>Home<td>Shop<td>Help</tr></table>", ["Home  Shop  Help"]),
    "nested tables": ("<table><tr><td><table><tr><td>a</tr></table></tr></table>b", ["a", "", "b"]),
    "a span without end": ("<table><tr><td colspan=999999999 rowspan=999999999>a<td>b</tr></table>", ["a  b"]),
    "brackets are brackets": ("[bold]x[/red]", ["[bold]x[/red]"]),
    "unseen letters": ("in\u200bvoi\u00adce\ufeff", ["invoice"]),
    "direction": ("a\u202eb", ["a\ufffdb"]),
    "named picture": ('<img src="cid:x" alt="A  logo"> and <img src="cid:y">', ["[A logo] and [picture]"]),
    "pictures elsewhere": (
        '<img src="http://example.com/a.png" alt="Sale"><img src="//example.com/b.gif" width=1 height=1>',
        ["[Sale]", "(2 pictures that lie elsewhere were not loaded.)"],
    ),
    "hidden by display": ('<div style="display:none">secret 1</div>a', ["a", "(Hidden text of 7 letters is not shown.)"]),
    "hidden with a comment in it": ('<p style="display:/**/none">xyz</p>a', ["a", "(Hidden text of 3 letters is not shown.)"]),
    "hidden attribute": ("<p hidden>xyz</p>a", ["a", "(Hidden text of 3 letters is not shown.)"]),
    "no size": ('<td style="font-size:0px">xyz<b style="font-size:12px">a</b></td>', ["a", "(Hidden text of 3 letters is not shown.)"]),
    "a size below one is a size": ('<b style="font-size:0.9em">a</b>', ["a"]),
    "invisible": ('<b style="visibility: hidden">xyz<i style="visibility:visible">a</i></b>', ["a", "(Hidden text of 3 letters is not shown.)"]),
    "transparent": ('<b style="opacity:0">xyz</b>a', ["a", "(Hidden text of 3 letters is not shown.)"]),
    "nearly transparent is shown": ('<b style="opacity:0.8">a</b>', ["a"]),
    "link": (
        '<a href="https://example.org/x">here</a>',
        ["here[1]", "", "----", "[1] https://example.org/x"],
    ),
    "link that shows its target": ('<a href="https://example.org/x">https://example.org/x</a>', ["https://example.org/x"]),
    "link to a place within": ('<a href="#top">top</a>', ["top"]),
    "link that runs a script": ('<a href="javascript:alert(1)">x</a>', ["x"]),
    "one target twice": (
        '<a href="http://a.example">x</a> <a href="http://a.example">y</a>',
        ["x[1] y[1]", "", "----", "[1] http://a.example"],
    ),
    "link that claims another host": (
        '<a href="http://evil.example/">www.bank.example</a>',
        ["www.bank.example[1!]", "", "----", "[1] http://evil.example/  ! its text says www.bank.example"],
    ),
    "an event is no link": ('<div onclick="location=1">x</div>', ["x"]),
    "nothing": ("", []),
    "only a comment": ("<!-- x -->", []),
}  # fmt: skip


@pytest.mark.parametrize(("html", "expected"), PAGES.values(), ids=PAGES)
def test_pages(html: str, expected: list[str]) -> None:
    assert lines_of(html) == expected


def test_a_wide_table_is_put_into_narrow_columns_and_then_under_each_other() -> None:
    html = "<table><tr><td>" + "long words " * 4 + "<td>b</tr><tr><td>c<td>d</tr></table>"
    assert lines_of(html, 20) == ["long words long    b", "words long words", "long words", "c                  d"]
    assert lines_of(html, 12) == ["long words", "long words", "long words", "long words", "b", "c", "d"]


CLAIMS = {
    "the same": ("https://example.org/", "https://example.org/x", ""),
    "below it": ("example.org", "https://www.example.org/", ""),
    "with www": ("www.example.org", "https://example.org/", ""),
    "another": ("https://bank.example/login", "https://evil.example/", "bank.example"),
    "above it": ("www.bank.example", "https://example/", "www.bank.example"),
    "the end of a name": ("bank.example", "https://evilbank.example/", "bank.example"),
    "a user's name that looks like a host": ("bank.example", "https://bank.example@evil.example/", "bank.example"),
    "backslashes": ("bank.example", "https:\\\\evil.example\\@bank.example", "bank.example"),
    "capitals": ("BANK.example", "https://bank.EXAMPLE/", ""),
    "letters that look like others": ("bank.example", "https://b\u0430nk.example/", "bank.example"),
    "the same in A-labels": ("b\u00fcro.example", "https://xn--bro-hoa.example/", ""),
    "words": ("Click here", "https://evil.example/", ""),
    "a sentence with a host": ("See bank.example for more", "https://evil.example/", ""),
    "a file": ("report.pdf", "https://evil.example/", ""),
    "a version": ("2.0", "https://evil.example/", ""),
    "an address": ("mailto:a@bank.example", "mailto:a@evil.example", "bank.example"),
    "an address that leads to a page": ("service@bank.example", "https://evil.example/", "bank.example"),
}


@pytest.mark.parametrize(("text", "url", "claims"), CLAIMS.values(), ids=CLAIMS)
def test_what_a_link_claims(text: str, url: str, claims: str) -> None:
    assert claimed_host(text, url) == claims


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://user:pass@example.org:8443/x", "example.org"),
        ("http://[::1]/", "[::1]"),
        ("HTTP://EXAMPLE.org.", "example.org"),
        (" ht\ntp://exa\tmple.org/", "example.org"),
        ("mailto:a@example.org?subject=x@y", "example.org"),
        ("javascript:alert(1)", ""),
        ("nonsense", ""),
    ],
)
def test_hosts(url: str, host: str) -> None:
    assert host_of(url) == host


# -- hostile pages -------------------------------------------------------------------------------------------

HOSTILE = {
    "deep": "<div>" * 100_000 + "x",
    "deep with ends of something else": "<div>" * 20_000 + "</p>" * 40_000,
    "deep tables": "<table><tr><td>" * 30_000 + "x",
    "deep lists": "<ul><li>" * 30_000 + "x",
    "deep quotes": "<blockquote>" * 30_000 + "x",
    "tags without end": "<" * 300_000,
    "comments without end": "<!--" * 100_000,
    "declarations": "<!" * 200_000,
    "ampersands": "&" * 500_000,
    "one tag with many attributes": "<a " + " ".join(f"a{n}=1" for n in range(50_000)) + ">x</a>",
    "many rows": "<table>" + "<tr><td>a<td>b</tr>" * 20_000 + "</table>",
    "many columns": "<table><tr>" + "<td>a" * 100_000 + "</tr></table>",
    "many links": "".join(f'<a href="http://a.example/{n}">x</a> ' for n in range(30_000)),
    "long links": '<a href="http://a.example/' + "x" * 900_000 + '">x</a>',
    "bold within bold": "<b>" * 300 + "<i>x</i>" * 20_000,
    "marks divided among elements": "a" + "<b>\u0301\u0301\u0301</b>" * 20_000,
    "styles": '<p style="' + "font-size:" * 80_000 + '">x</p>',
    "a long word": "x" * 1_000_000,
    "too large": "<p>x</p>" * 300_000,
    "blanks": " " * 1_000_000,
    "line ends": "<br>" * 200_000,
    "NULs": "a\0<p\0>" * 50_000,
    "surrogates": "\ud800" * 10_000,
}


@pytest.mark.parametrize("html", HOSTILE.values(), ids=HOSTILE)
def test_hostile_pages_end(html: str) -> None:
    page = read_page(html)
    assert sum(map(_size, page.blocks)) <= 2 * LIMIT


def _size(block: object) -> int:
    return sum(len(cell.text) for row in block.rows for cell in row) if isinstance(block, Grid) else len(block.text)


def test_a_page_that_takes_too_long_ends_where_it_is() -> None:
    ticks = iter(range(10_000))
    page = read_page("<p>word</p>" * 5_000, seconds=3, clock=lambda: float(next(ticks)))
    assert page.notices == ["Only the beginning of this page is shown: to read it takes too long."]
    assert page.blocks


def test_a_page_that_is_too_deep_shows_what_stood_before() -> None:
    page = read_page("<p>before</p>" + "<div>" * 1_000 + "x")
    assert [one.text for one in page.blocks] == ["before"]
    assert page.notices == ["Only the beginning of this page is shown: it is nested too deep."]


def test_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*more: object, **others: object) -> None:
        raise AssertionError("a page was to be fetched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        read_page(
            f'<!DOCTYPE html SYSTEM "{address}/dtd" [<!ENTITY x SYSTEM "{address}/entity">]><html><head>'
            f'<base href="{address}"><link rel=stylesheet href="{address}/css"><meta http-equiv=refresh content="0;{address}">'
            f'<style>@import url({address}/import)</style></head><body background="{address}/bg">&x;<img src="{address}/i">'
            f'<iframe src="{address}/f"></iframe><object data="{address}/o"></object><xi:include href="{address}/xi"/></body>'
        )  # fmt: skip
        with pytest.raises(BlockingIOError):
            server.accept()


@given(st.text(max_size=300) | st.lists(st.sampled_from(
    ["<p>", "</p>", "<td>", "<tr>", "<table>", "</table>", "</td>", "<a href=http://a.example>", "</a>", "<b>", "</b>",
     "<li>", "<ul>", "</ul>", "<pre>", "</pre>", "<br>", "x", " y ", "\u0301", "<h1>", "</h1>", "<div hidden>", "</div>"]
), max_size=60).map("".join))  # fmt: skip
@settings(max_examples=400, deadline=None)
def test_any_page(html: str) -> None:
    page: PageText = read_page(html)
    for block in page.blocks:
        cells = [cell for row in block.rows for cell in row] if isinstance(block, Grid) else [block]
        for cell in cells:
            assert safe_text(cell.text) == cell.text
            at = 0
            for span in cell.spans:
                assert at <= span.start < span.end <= len(cell.text)
                assert span.stop < len(page.links)
                assert (span.stop >= 0) == (span.role in {Role.LINK, Role.DECEPTIVE})
                at = span.end
