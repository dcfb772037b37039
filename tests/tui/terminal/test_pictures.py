"""Pictures at a terminal: they come as letters of ours in colours, never as graphics or any other control."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PIL import PngImagePlugin

from benchmarks.terminal import Terminal
from mailsec.message.compose import image, multipart, text, write_message
from tests.tui.drawing import HOSTILE, drawn, quarters
from tests.tui.terminal.output import Control, Text, controls, take_apart, unsafe

MARKER = "OBEY"
KITTY = f"\x1b_Gf=24,s=1,v=1;{MARKER}\x1b\\"
SIXEL = f"\x1bPq#0;2;0;0;0#0~~{MARKER}\x1b\\"
ITERM = f"\x1b]1337;File=inline=1:{MARKER}\x07"
FIELDS = [("From", "Alice <alice@example.org>"), ("Subject", "Tea"), ("To", "robin@example.net")]


def letter(*pictures: tuple[str, bytes]) -> bytes:
    parts = [image(octets, f"{number}@b", "png", filename=name) for number, (name, octets) in enumerate(pictures)]
    return write_message(FIELDS, multipart("mixed", text("At four."), *parts))


def shown(open_client: Callable[..., Terminal], maildir: Path, octets: bytes, last: str) -> bytes:
    """What the client writes that shows a message; `last` is the last that it shows."""
    for file in (maildir / "cur").iterdir():
        file.unlink()
    (maildir / "cur" / f"1777000000.M{len(octets)}.here:2,").write_bytes(octets)
    terminal = open_client(columns=200, rows=70)
    terminal.wait_for("At four.")
    terminal.send("l")
    terminal.wait_for(last)
    terminal.settle()
    terminal.send("Q")
    assert terminal.wait(30) == 0
    return terminal.output


def test_no_octet_of_a_picture_is_a_control(open_client: Callable[..., Terminal], maildir: Path) -> None:
    allowed = controls(shown(open_client, maildir, letter(), "robin"))
    info = PngImagePlugin.PngInfo()
    for number, payload in enumerate((KITTY, SIXEL, ITERM)):
        info.add_text(f"Comment {number}", payload)
    good = drawn(quarters(), pnginfo=info)
    hostile = letter(
        (f"{KITTY}{SIXEL}{ITERM}.png", good + KITTY.encode() + SIXEL.encode()),
        ("sixel.png", SIXEL.encode()),
        ("bomb.png", HOSTILE["a bomb: few octets, many pixels"][0]),
        ("broken.png", HOSTILE["truncated"][0]),
    )
    output = shown(open_client, maildir, hostile, "no picture comes out of it")
    assert "▀▀▀▀▀▀▀▀".encode() in output
    for token in take_apart(output):
        if isinstance(token, Control):
            assert token.shape in allowed, token
            assert MARKER not in token.parameters
        else:
            assert isinstance(token, Text)
            assert not unsafe(token.text), token
    assert b"\x1b_G" not in output
    assert b"\x1bP" not in output
    assert b"\x1b]1337" not in output
