"""The work of a process that decodes pictures: one after another, without files, network or other processes."""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import TYPE_CHECKING

from mailsec.tui.background.channel import BlockingChannel
from mailsec.tui.background.limits import LIMITS
from mailsec.tui.background.pictures import FORMATS, Picture, Refusal, pack, read_request
from mailsec.tui.background.seal import limit, seal

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

__all__ = ["decode", "serve"]

_TURNED = 0x0112  # the EXIF tag that says how a camera was held
_OPAQUE = frozenset(("RGB", "L", "CMYK", "YCbCr"))


def serve(channel: BlockingChannel) -> None:
    """Decodes the pictures that it is given until the channel closes.

    Raises:
        ChannelClosed: the client is gone.
    """
    channel.receive()  # what every worker is told first
    _load()
    limit(LIMITS.memory, LIMITS.seconds * LIMITS.pictures)
    seal()
    channel.send_octets(b"")  # ready
    while True:
        size, octets = read_request(channel.receive_octets())
        channel.send_octets(pack(decode(octets, size)))


def decode(octets: bytes | memoryview, size: tuple[int, int]) -> Picture | Refusal:
    """Decodes a picture; of an animation the first.

    Args:
        octets: what is said to be a picture.
        size: the pixels that are wanted at most, from left to right and from top to bottom.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the number of pixels is looked at below
            with Image.open(BytesIO(octets), formats=FORMATS) as image:
                width, height = image.size
                if width * height > LIMITS.pixels:
                    return Refusal.LARGE
                moving = bool(getattr(image, "is_animated", False))
                small, lies = _turned(_small(image, size), image)
                small.thumbnail(size, Image.Resampling.BOX)
                if lies:
                    width, height = height, width
                return Picture(width, height, moving, *small.size, small.tobytes())
    except UnidentifiedImageError:
        return Refusal.KIND
    except (MemoryError, Image.DecompressionBombError):
        return Refusal.LARGE
    except Exception:  # noqa: BLE001 - whatever a decoder raises over hostile input
        return Refusal.BROKEN


def _small(image: PillowImage, size: tuple[int, int]) -> PillowImage:
    """The picture, no larger than wanted, on white: those that let something shine through are drawn for paper."""
    from PIL import Image

    longest = max(size)
    image.draft("RGB", (longest, longest))  # of a JPEG an eighth is decoded where that is enough
    if image.mode.startswith("I"):  # sixteen bits of grey
        small = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    else:
        mode = "RGB" if image.mode in _OPAQUE and "transparency" not in image.info else "RGBA"
        small = image if image.mode == mode else image.convert(mode)  # a large one is not to be there twice
    small.thumbnail((longest, longest), Image.Resampling.BOX)
    if small.mode != "RGBA":
        return small.convert("RGB")
    paper = Image.new("RGB", small.size, (255, 255, 255))
    paper.paste(small, mask=small.getchannel("A"))
    return paper


def _turned(small: PillowImage, image: PillowImage) -> tuple[PillowImage, bool]:
    """The picture as the camera was held, and whether it lay on its side."""
    from PIL.Image import Transpose

    ways = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    try:
        number = image.getexif().get(_TURNED, 1)
        way = ways.get(number)
    except Exception:  # noqa: BLE001 - the picture is there, only what is said about it is damaged
        return small, False
    return (small, False) if way is None else (small.transpose(way), number >= 5)


def _load() -> None:
    """Loads and tries all that decoding needs, before nothing can be loaded any more."""
    from PIL import Image, MpoImagePlugin, TiffImagePlugin

    del MpoImagePlugin, TiffImagePlugin  # for what cameras put into a JPEG
    for kind in FORMATS:
        octets = BytesIO()
        Image.new("RGB", (4, 3)).save(octets, kind)
        decode(octets.getvalue(), (2, 2))
