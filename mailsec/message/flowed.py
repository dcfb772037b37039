"""Format=flowed (RFC 3676): lines joined to paragraphs again, with the depth of their quoting."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Paragraph", "unflow"]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph, or a line that was fixed.

    Attributes:
        depth: how deep it is quoted.
        text: its text without quote marks, space-stuffing and line ends.
    """

    depth: int
    text: str


def unflow(text: str, *, delsp: bool = False) -> tuple[Paragraph, ...]:
    """Takes the flow out of a text of format=flowed (RFC 3676 section 4).

    A line that ends in a space flows into the next one of the same quote depth; the signature separator `"-- "`
    never does (section 4.3).

    Args:
        text: text with LF as line end, as `Part.text` gives it.
        delsp: whether the space that makes a line flow was added for that only (section 4.1).
    """
    found: list[Paragraph] = []
    open_lines: list[str] = []
    open_depth = 0
    lines = text.split("\n")
    if lines and not lines[-1]:
        lines.pop()

    def close() -> None:
        if open_lines:
            found.append(Paragraph(open_depth, "".join(open_lines)))
            open_lines.clear()

    for line in lines:
        content = line.lstrip(">")
        depth = len(line) - len(content)
        content = content.removeprefix(" ")  # space-stuffing (section 4.4)
        if depth != open_depth or content == "-- ":
            close()  # the quote depth changes: the paragraph before was flowed wrongly (section 4.5)
        open_depth = depth
        if content == "-- ":
            found.append(Paragraph(depth, content))
        elif content.endswith(" "):
            open_lines.append(content[:-1] if delsp else content)
        else:
            open_lines.append(content)
            close()
    close()
    return tuple(found)
