"""Links and attachments are handed to the system's program as a list of arguments, and only if they are harmless."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from mailsec.errors import UsageError
from mailsec.tui.opening import open_file, open_link, start


@pytest.mark.parametrize(
    "target", ["https://example.org/a?b=c", "http://example.org", "mailto:alice@example.org", "HTTPS://EXAMPLE.ORG"]
)
def test_links_that_are_opened(target: str) -> None:
    run: list[Sequence[str]] = []
    open_link(target, run.append)
    assert run == [["xdg-open", target]]


@pytest.mark.parametrize(
    "target",
    [
        "",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "-version",
        "--help",
        "/bin/sh",
        "smb://host/share",
        "https://example.org/\x1b[31m",
        "https://example.org/\n--new",
        "https://example.org/ --x",
        "https://[broken",
    ],
)
def test_links_that_are_not(target: str) -> None:
    run: list[Sequence[str]] = []
    with pytest.raises(UsageError, match="only links that begin with"):
        open_link(target, run.append)
    assert run == []


def test_files_are_new_and_only_the_users(tmp_path: Path) -> None:
    run: list[Sequence[str]] = []
    folder = tmp_path / "scratch"
    first = open_file(folder, "../../report.pdf", b"one", run.append)
    second = open_file(folder, "report.pdf", b"two", run.append)
    assert [first.name, second.name] == ["report.pdf", "report (2).pdf"]
    assert [one.read_bytes() for one in (first, second)] == [b"one", b"two"]
    assert {one.stat().st_mode & 0o777 for one in (first, second)} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert run == [["xdg-open", str(first)], ["xdg-open", str(second)]]


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(UsageError, match="there is no program mailsec-no-such-program"):
        start(["mailsec-no-such-program"])
