"""Text made safe to show, flowed text (RFC 3676), line ends, header edits."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsec.errors import UsageError
from mailsec.message import CRLF, Delete, Edit, Insert, Paragraph, apply, parse, safe_text, to_crlf, unflow
from mailsec.message import lines as lines_module
from mailsec.message.lines import crlf_pieces


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("plain", "plain", id="ASCII"),
        pytest.param("grüß 日本 привет", "grüß 日本 привет", id="scripts"),
        pytest.param("\x1b[31mred\x1b]0;t\x07", "␛[31mred␛]0;t␇", id="ESC sequences"),
        pytest.param("\x00\x7f", "␀␡", id="NUL and DEL"),
        pytest.param("\x9b31m\x85", "\ufffd31m\ufffd", id="C1"),
        *(pytest.param(f"a{chr(c)}b", "a\ufffdb", id=f"direction U+{c:04X}")
          for c in (0x200E, 0x200F, 0x061C, *range(0x202A, 0x202F), *range(0x2066, 0x206A))),
        *(pytest.param(f"a{chr(c)}b", "a\ufffdb", id=f"invisible U+{c:04X}")
          for c in (0x200B, 0x2060, 0xFEFF, 0x180E, 0x034F, 0x3164, 0x115F, 0xFFA0, 0x2800, 0x16FE4, 0x1D159, 0xE0041,
                    0xE000, 0xFFFE)),
        pytest.param("\ud800", "\ufffd", id="lone surrogate"),
        pytest.param("a\u2028b\u2029c", "a b c", id="line and paragraph separators"),
        pytest.param("a\r\nb\nc\td", "a b c d", id="one line"),
        pytest.param("a\rb", "a␍b", id="bare CR"),
        pytest.param("pay\xadpal", "pay‐pal", id="soft hyphen"),
        pytest.param("a\xa0b\u3000c", "a b\u3000c", id="spaces"),
        pytest.param("\u200b" * 500, "\ufffd", id="a flood becomes one"),
        pytest.param("e" + "\u0301" * 8, "e" + "\u0301" * 8, id="marks up to the limit"),
        pytest.param("e" + "\u0301" * 99, "e" + "\u0301" * 8 + "\ufffd", id="a flood of marks"),
        pytest.param("क" + "\u094d\u200d" * 99 + "ष", "क" + "\u094d\u200d" * 4 + "\ufffdष", id="marks and joiners"),
        pytest.param("👨‍👩‍👧 ❤️ 1️⃣", "👨‍👩‍👧 ❤️ 1️⃣", id="emoji sequences stay"),
        pytest.param("می‌خواهم", "می‌خواهم", id="Persian non-joiner stays"),
        pytest.param("क्‍ष", "क्‍ष", id="Devanagari joiner stays"),
        pytest.param("pay\u200cpal\u200d", "pay\ufffdpal\ufffd", id="joiners in Latin"),
        pytest.param("a\u200d\u200db", "a\ufffdb", id="joiners in a row"),
        pytest.param("❤\ufe0f\ufe0f\ufe0f", "❤\ufe0f\ufffd", id="a flood of selectors"),
        pytest.param("a\ufe0f", "a\ufffd", id="selector after a letter"),
        pytest.param("葛\U000e0100", "葛\U000e0100", id="ideographic variation"),
        pytest.param("🏴\U000e0067\U000e007f", "🏴\ufffd", id="tag characters"),
    ],
)  # fmt: skip
def test_safe_text(text: str, shown: str) -> None:
    assert safe_text(text) == shown


def test_safe_text_of_several_lines() -> None:
    assert safe_text("a\r\nb\tc\u2028d\x1b", multiline=True) == "a\nb\tc\nd␛"


HOSTILE = st.text(
    st.one_of(
        st.sampled_from(
            "\x1b\x9b\u200b\u200c\u200d\u200e\u202e\u2066\u0301\u094d\u0915\ufe0f❤👩\u0645\xad\n\t\r\ud800"
        ),
        st.characters(),
    )
)


@given(HOSTILE, st.booleans())
def test_safe_text_holds_its_promise(text: str, multiline: bool) -> None:
    shown = safe_text(text, multiline=multiline)
    for character in shown:
        category = unicodedata.category(character)
        if character in "\u200c\u200d":
            continue
        assert category not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") or (multiline and character in "\n\t")
    row = 0
    for character in shown:
        row = row + 1 if unicodedata.category(character)[0] == "M" else 0
        assert row <= 8
    assert safe_text(shown, multiline=multiline) == shown


@pytest.mark.parametrize(
    ("text", "delsp", "expected"),
    [
        pytest.param("a \nb\nc\n", False, [(0, "a b"), (0, "c")], id="4.2 flowed and fixed"),
        pytest.param("a \nb\n", True, [(0, "ab")], id="4.2 DelSp"),
        pytest.param("> a \n> b\n> c\nd", False, [(1, "a b"), (1, "c"), (0, "d")], id="4.5 quoting"),
        pytest.param(">> a \n> b\n", False, [(2, "a "), (1, "b")], id="4.5 the depth changes"),
        pytest.param(" >a\n  b\n", False, [(0, ">a"), (0, " b")], id="4.4 space-stuffing"),
        pytest.param("a \n-- \nsig \nx", False, [(0, "a "), (0, "-- "), (0, "sig x")], id="4.3 signature"),
        pytest.param("a \n", False, [(0, "a ")], id="flowed at the end"),
        pytest.param("\n\n", False, [(0, ""), (0, "")], id="empty lines"),
        pytest.param("", False, [], id="empty"),
        pytest.param(">>>", False, [(3, "")], id="only quote marks"),
    ],
)
def test_unflow(text: str, delsp: bool, expected: list[tuple[int, str]]) -> None:
    assert unflow(text, delsp=delsp) == tuple(Paragraph(*entry) for entry in expected)


def test_flowed_is_read_from_the_field() -> None:
    part = parse(b"Content-Type: text/plain; format=Flowed; delsp=Yes\r\n\r\na \r\nb").root
    assert part.flowed
    assert part.delsp
    assert unflow(part.text, delsp=part.delsp) == (Paragraph(0, "ab"),)
    assert not parse(b"Content-Type: text/html; format=flowed\r\n\r\n").root.flowed


@pytest.mark.parametrize(
    ("octets", "lines"),
    [(b"a\nb", b"a\r\nb"), (b"a\r\nb", b"a\r\nb"), (b"a\rb", b"a\rb"), (b"\r\r\n\n", b"\r\r\n\r\n"), (b"", b"")],
)
def test_to_crlf(octets: bytes, lines: bytes) -> None:
    assert to_crlf(octets) == lines == to_crlf(memoryview(octets))


@given(st.lists(st.text("\r\na", max_size=4)))
def test_crlf_in_pieces_is_the_same(pieces: list[str]) -> None:
    octets = [piece.encode() for piece in pieces]
    converter = CRLF()
    fed = b"".join(bytes(converter.feed(memoryview(piece))) for piece in octets)
    assert fed + converter.finish() == to_crlf(b"".join(octets))


@given(st.text("\r\na", max_size=12), st.integers(1, 5))
def test_lines_in_pieces_are_the_same(text: str, step: int) -> None:
    octets = text.encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines_module, "_STEP", step)
        pieces = list(crlf_pieces(octets))
    assert b"".join(pieces) == to_crlf(octets)
    if to_crlf(octets) == octets:
        assert pieces == [octets]  # and nothing was copied
        assert pieces[0] is octets


MESSAGE = b"A: 1\r\nB: 2\r\n 3\r\nC: 4\r\n\r\nbody\n"


@pytest.mark.parametrize(
    ("octets", "edits", "expected"),
    [
        pytest.param(MESSAGE, [], MESSAGE, id="nothing"),
        pytest.param(MESSAGE, [Insert(b"X: 1\r\n"), Insert(b"Y: 2\r\n")], b"X: 1\r\nY: 2\r\n" + MESSAGE, id="insert"),
        pytest.param(MESSAGE, [Delete(0), Delete(2)], b"B: 2\r\n 3\r\n\r\nbody\n", id="indexes are the original ones"),
        pytest.param(MESSAGE, [Delete(1), Delete(1)], b"A: 1\r\nC: 4\r\n\r\nbody\n", id="twice is once"),
        pytest.param(MESSAGE, [Delete(0), Insert(b"X: 1\r\n")], b"X: 1\r\nB: 2\r\n 3\r\nC: 4\r\n\r\nbody\n", id="both"),
        pytest.param(b"A: 1\n\nx", [Insert(b"X: 1\r\n 2\r\n")], b"X: 1\n 2\nA: 1\n\nx", id="line ends of the message"),
        pytest.param(b"From a Mon\nA: 1\n\n", [Insert(b"X: 1\n"), Delete(0)], b"From a Mon\nX: 1\n\n", id="mbox"),
        pytest.param(b"rubbish", [Insert(b"X: 1\r\n")], b"X: 1\r\n\r\nrubbish", id="no header section"),
        pytest.param(b"\r\nbody", [Insert(b"X: 1\r\n")], b"X: 1\r\n\r\nbody", id="empty header section"),
    ],
)
def test_edits(octets: bytes, edits: list[Edit], expected: bytes) -> None:
    assert apply(octets, edits) == expected == apply(parse(octets), edits)


@pytest.mark.parametrize("index", [-1, 3])
def test_deleting_what_is_not_there(index: int) -> None:
    with pytest.raises(UsageError):
        apply(MESSAGE, [Delete(index)])


@pytest.mark.parametrize(
    "field",
    [b"", b"X", b"X: 1", b": 1\r\n", b"X : 1\r\n", b"X: 1\r\nY: 2\r\n", b"X: 1\r\n\r\n", b"X: 1\r\n \r\n", b"X: \0\r\n",
     b"X: 1\rY: 2\r\n", b" X: 1\r\n"],
)  # fmt: skip
def test_only_one_whole_field_is_inserted(field: bytes) -> None:
    with pytest.raises(UsageError):
        Insert(field)
