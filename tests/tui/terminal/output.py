"""What a program writes to its terminal, taken apart into text and controls (ECMA-48)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Control", "Text", "controls", "take_apart", "unsafe"]

_TOKEN = re.compile(
    r"\x1b\[(?P<parameters>[0-?]*)(?P<between>[ -/]*)(?P<final>[@-~])"  # CSI
    r"|\x1b(?P<string>[\]PX^_])(?P<content>[^\x1b\x07\x9c]*)(?P<end>\x07|\x1b\\|\x9c)?"  # OSC, DCS, SOS, PM, APC
    r"|\x1b(?P<escape>[ -/]*[0-~]?)"
    r"|(?P<single>[\x00-\x1f\x7f-\x9f])"
    r"|(?P<text>[^\x00-\x1f\x7f-\x9f]+)"
)


@dataclass(frozen=True)
class Text:
    """Text that is shown."""

    text: str


@dataclass(frozen=True)
class Control:
    """A control function.

    Attributes:
        kind: `"csi"`, `"string"`, `"escape"` or `"single"`.
        name: its final octet, with what stands between; of a string its first.
        parameters: its parameters, or the content of a string.
    """

    kind: str
    name: str
    parameters: str = ""

    @property
    def shape(self) -> tuple[str, str, str]:
        """What it does, whatever colour it sets and wherever it moves the cursor."""
        return (self.kind, self.name, "" if self.kind == "csi" and self.name in "mHABCDGKJ" else self.parameters)


def take_apart(output: bytes) -> Iterator[Text | Control]:
    """Takes the output of a program apart.

    Raises:
        UnicodeDecodeError: it is no UTF-8, so that a terminal might see anything in it.
    """
    for match in _TOKEN.finditer(output.decode()):
        if match["text"] is not None:
            yield Text(match["text"])
        elif match["final"] is not None:
            yield Control("csi", match["between"] + match["final"], match["parameters"])
        elif match["string"] is not None:
            yield Control("string", match["string"], match["content"])
        elif match["single"] is not None:
            yield Control("single", match["single"])
        else:
            yield Control("escape", match["escape"])


def controls(output: bytes) -> set[tuple[str, str, str]]:
    """The shapes of all controls in the output."""
    return {token.shape for token in take_apart(output) if isinstance(token, Control)}


def unsafe(text: str) -> str:
    """The characters of a text that must never reach a terminal: what turns, hides, or says nothing."""
    return "".join(
        character
        for character in text
        if unicodedata.category(character) in {"Cc", "Cs", "Co"}
        or character in "\u200b\u200e\u200f\u2028\u2029\u2060\ufeff\u061c"
        or "\u202a" <= character <= "\u202e"
        or "\u2066" <= character <= "\u2069"
        or "\U000e0000" <= character <= "\U000e007f"
    )
