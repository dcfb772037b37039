"""Decoding hostile pictures: whatever they are, the client goes on, and what decodes them can do nothing else."""

from __future__ import annotations

import asyncio
import os
import platform
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from mailsec.tui.background.channel import Channel, ChannelClosed
from mailsec.tui.background.limits import LIMITS
from mailsec.tui.background.pictures import Picture, PictureDecoder, Refusal, pack, unpack
from tests.tui.drawing import HOSTILE, drawn, quarters

SIZE = (100, 60)
SEALED = sys.platform == "linux" and platform.machine() in {"x86_64", "aarch64"}


@pytest.fixture
async def decoder() -> AsyncIterator[PictureDecoder]:
    decoder = PictureDecoder()
    yield decoder
    decoder.close()


async def test_hostile_pictures(decoder: PictureDecoder) -> None:
    for name, (octets, expected) in HOSTILE.items():
        found = await decoder.decode(octets, SIZE)
        if isinstance(found, Refusal):
            assert found.name == expected, name
            assert found.sentence.endswith("."), name
        else:
            assert (found.width, found.height, found.moving) == expected, name
            assert found.columns <= SIZE[0], name
            assert found.rows <= SIZE[1], name


MODES = [
    ("PNG", "RGB"), ("PNG", "RGBA"), ("PNG", "L"), ("PNG", "LA"), ("PNG", "P"), ("PNG", "1"), ("PNG", "I;16"),
    ("JPEG", "RGB"), ("JPEG", "L"), ("JPEG", "CMYK"), ("GIF", "P"), ("WEBP", "RGB"), ("WEBP", "RGBA"),
]  # fmt: skip
"""What each format can hold."""


async def test_every_kind_of_colour(decoder: PictureDecoder) -> None:
    for kind, mode in MODES:
        image = Image.new("I;16", (40, 20)) if mode == "I;16" else quarters(mode=mode)
        found = await decoder.decode(drawn(image, kind), SIZE)
        assert isinstance(found, Picture), (kind, mode)
        assert (found.columns, found.rows) == (40, 20)
        if mode not in {"L", "LA", "1", "I;16"}:
            first = found.pixels[:3]
            assert [one > 130 for one in first] == [True, False, False], (kind, mode, first)


async def test_what_shines_through_is_drawn_on_white(decoder: PictureDecoder) -> None:
    found = await decoder.decode(drawn(Image.new("RGBA", (2, 2), (0, 0, 0, 0))), SIZE)
    assert isinstance(found, Picture)
    assert set(found.pixels) == {255}


@pytest.mark.parametrize(("number", "lies", "corner"), [(1, False, "red"), (3, False, "white"), (6, True, "blue")])
async def test_a_picture_stands_as_the_camera_was_held(
    decoder: PictureDecoder, number: int, lies: bool, corner: str
) -> None:
    exif = Image.Exif()
    exif[0x0112] = number
    found = await decoder.decode(drawn(quarters(), exif=exif), SIZE)
    assert isinstance(found, Picture)
    assert (found.width, found.height) == ((20, 40) if lies else (40, 20))
    assert found.pixels[:3] == {"red": b"\xff\0\0", "white": b"\xff\xff\xff", "blue": b"\0\0\xff"}[corner]


async def test_too_many_octets_are_not_even_sent(decoder: PictureDecoder) -> None:
    assert await decoder.decode(bytes(LIMITS.octets + 1), SIZE) is Refusal.LARGE
    assert decoder._child is None


async def test_a_decoder_that_hangs_is_left_behind(decoder: PictureDecoder, monkeypatch: pytest.MonkeyPatch) -> None:
    good = drawn(quarters())
    assert isinstance(await decoder.decode(good, SIZE), Picture)
    os.kill(decoder._child.pid, signal.SIGSTOP)
    monkeypatch.setattr("mailsec.tui.background.pictures.LIMITS", replace(LIMITS, seconds=0.2))
    assert await decoder.decode(good, SIZE) is Refusal.LATE
    monkeypatch.undo()
    assert isinstance(await decoder.decode(good, SIZE), Picture)


async def test_a_decoder_that_ends_costs_one_picture(decoder: PictureDecoder, monkeypatch: pytest.MonkeyPatch) -> None:
    good = drawn(quarters())
    assert isinstance(await decoder.decode(good, SIZE), Picture)
    child: Any = decoder._child
    os.kill(child.pid, signal.SIGKILL)
    monkeypatch.setattr(type(child), "is_alive", True)  # it ends over the picture, not before
    assert await decoder.decode(good, SIZE) is Refusal.ENDED
    monkeypatch.undo()
    assert isinstance(await decoder.decode(good, SIZE), Picture)


async def test_the_decoder_has_given_everything_up(decoder: PictureDecoder) -> None:
    await decoder.decode(drawn(quarters()), SIZE)
    status = Path(f"/proc/{decoder._child.pid}/status")
    if not status.exists() or not SEALED:
        pytest.skip("this system has no seccomp for us")
    lines = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
    assert lines["Seccomp"] == "2"
    assert lines["NoNewPrivs"] == "1"


def test_the_client_itself_never_loads_a_decoder() -> None:
    code = "import sys, mailsec.tui.app; print([name for name in sys.modules if name.startswith('PIL')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


TRY = """
import ctypes, os, signal, socket, sys
from mailsec.tui.background.seal import limit, seal
limit(1 << 30, 10)
assert seal()
tries = {
    "read a file": lambda: open("/etc/passwd"),
    "write a file": lambda: os.open("/tmp/x", os.O_CREAT | os.O_WRONLY),
    "connect": lambda: socket.socket(),
    "start a process": lambda: os.fork(),
    "run a program": lambda: os.execv("/bin/true", ["true"]),
    "end another process": lambda: os.kill(os.getppid(), signal.SIGTERM),
    "list a folder": lambda: os.listdir("/"),
    "take a file away": lambda: os.unlink("/tmp/x"),
}
for name, one in tries.items():
    try:
        one()
    except PermissionError:
        continue
    print(name)
bytearray(1 << 24)  # memory there is
print("end")
"""


@pytest.mark.skipif(not SEALED, reason="this system has no seccomp for us")
def test_what_is_sealed_can_do_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", TRY], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("end\n", "")


GOOD = pack(Picture(40, 20, False, 2, 1, bytes(6)))


@given(st.binary(max_size=64))
@example(GOOD)
@example(GOOD[:-1])
@example(GOOD + b"\0")
@example(b"\xff" * 16)
@example(bytes(16))
def test_an_answer_is_not_believed(octets: bytes) -> None:
    try:
        found = unpack(octets, (4, 4))
    except ValueError:
        return
    if isinstance(found, Picture):
        assert len(found.pixels) == 3 * found.columns * found.rows
        assert max(found.columns, found.rows) <= 4


async def test_more_than_was_asked_for_is_not_read() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        channel = await Channel.open(ours)
        theirs.sendall((1 << 30).to_bytes(4, "big"))
        with pytest.raises(ChannelClosed):
            await asyncio.wait_for(channel.receive_octets(100), 20)
        channel.close()
