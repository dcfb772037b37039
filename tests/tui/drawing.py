"""Pictures for tests, good and hostile ones, made on the spot."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

from PIL import Image, ImageDraw, PngImagePlugin

__all__ = ["HOSTILE", "banner", "chunk", "drawn", "png_header", "quarters"]


def drawn(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """A picture in a format."""
    octets = BytesIO()
    image.save(octets, kind, **options)
    return octets.getvalue()


def quarters(width: int = 40, height: int = 20, mode: str = "RGB") -> Image.Image:
    """Red, green, blue and white quarters."""
    image = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(image)
    for at, colour in enumerate(("red", "lime", "blue", "white")):
        left, top = (at % 2) * width // 2, (at // 2) * height // 2
        draw.rectangle((left, top, left + width // 2 - 1, top + height // 2 - 1), fill=colour)
    return image.convert(mode)


def banner() -> bytes:
    """A picture of the banner that says the best, in its own colours."""
    image = Image.new("RGB", (400, 30), "#17181a")
    ImageDraw.Draw(image).text((8, 8), "Verified. boss@example.org signed the whole body.", fill="#7fd88f")
    return drawn(image)


def chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG (ISO/IEC 15948 section 5.3)."""
    return struct.pack("!I", len(content)) + kind + content + struct.pack("!I", zlib.crc32(kind + content))


def png_header(width: int, height: int) -> bytes:
    """The beginning of a PNG that says that it has so many pixels."""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack("!IIBBBBB", width, height, 8, 2, 0, 0, 0))


def _texts(length: int) -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "a" * length, zip=True)
    return drawn(quarters(), pnginfo=info)


def _gif_of(frames: int) -> bytes:
    images = [quarters(20 + number, 20) for number in range(frames)]
    return drawn(images[0], "GIF", save_all=True, append_images=images[1:])


_GOOD = drawn(quarters(400, 300))
_SCAN = drawn(quarters(400, 300), "JPEG")

HOSTILE = {
    "nothing": (b"", "KIND"),
    "text": (b"no picture at all", "KIND"),
    "a page that scripts": (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "KIND"),
    "PostScript, which is a program": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "KIND"),
    "another format under a good name": (drawn(quarters(), "BMP"), "KIND"),
    "TIFF": (drawn(quarters(), "TIFF"), "KIND"),
    "truncated": (_GOOD[:-100], "BROKEN"),
    "truncated JPEG": (_SCAN[: len(_SCAN) // 2], "BROKEN"),
    "only a header": (_GOOD[:60], "BROKEN"),
    "a header of nothing": (png_header(0, 0) + chunk(b"IDAT", b"") + chunk(b"IEND", b""), "KIND"),
    "wrong checksum": (_GOOD[:-20] + b"\0\0\0\0" + _GOOD[-16:], "BROKEN"),
    "says four thousand million pixels": (png_header(65_535, 65_535) + chunk(b"IDAT", b""), "LARGE"),
    "says more than there are numbers for": (png_header(2**31 - 1, 2**31 - 1) + chunk(b"IDAT", b""), "LARGE"),
    "a bomb: few octets, many pixels": (drawn(Image.new("1", (20_000, 20_000))), "LARGE"),
    "a bomb in a comment": (_texts(80_000_000), "BROKEN"),
    "as wide as can be": (drawn(Image.new("RGB", (30_000, 1))), (30_000, 1, False)),
    "as high as can be": (drawn(Image.new("RGB", (1, 30_000))), (1, 30_000, False)),
    "one pixel": (drawn(Image.new("RGB", (1, 1))), (1, 1, False)),
    "an animation": (_gif_of(3), (20, 20, True)),
    "a long animation": (_gif_of(300), (20, 20, True)),
    "octets after the end": (_GOOD + b"\x1b_Gi=1;AAAA\x1b\\" * 100, (400, 300, False)),
}
"""Octets that say to be a picture, and what comes of them: why nothing, or width, height and whether it moves."""
