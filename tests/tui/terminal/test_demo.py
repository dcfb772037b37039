"""The demonstration in a real terminal (tmux): every message is opened, and its banner read from the screen."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailsec.message import safe_text

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="the terminal multiplexer tmux is not installed"),
]

MARKS = {"verified": "✓", "authenticated": "~", "unauthenticated": "·", "warning": "!", "failed": "✗"}


class Tmux:
    """A tmux server of our own, with one window.

    Args:
        socket: where it listens.
        command: what runs in the window.
        environment: its environment.
    """

    def __init__(self, socket: Path, command: list[str], environment: dict[str, str]) -> None:
        self._socket = socket
        self._environment = {"TERM": "xterm-256color", **environment}
        self.run("-f", "/dev/null", "new-session", "-d", "-x", "200", "-y", "50", *command)

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-u", "-S", str(self._socket), *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def press(self, key: str) -> None:
        self.run("send-keys", key)

    def screen(self) -> str:
        return self.run("capture-pane", "-p")

    def wait_until(self, is_so: Callable[[str], bool], timeout: float = 60) -> str:
        """Waits until the screen is as wanted, and is still the same a moment later: a paint takes several writes."""
        deadline = time.monotonic() + timeout
        before, screen = "", self.screen()
        while screen != before or not is_so(screen):
            assert time.monotonic() < deadline, screen
            time.sleep(0.06)
            before, screen = screen, self.screen()
        return screen

    def close(self) -> None:
        subprocess.run(["tmux", "-S", str(self._socket), "kill-server"], capture_output=True, check=False)


@pytest.fixture
def demo(environment: dict[str, str], tmp_path: Path) -> Iterator[Tmux]:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    command = [sys.executable, "-m", "mailsec", "demo"]
    tmux = Tmux(tmp_path / "tmux", command, {**environment, "TMPDIR": str(temporary)})
    yield tmux
    tmux.close()


def preview(screen: str) -> tuple[str, str]:
    """The subject that the pane on the right shows, and its banner, from its mark on."""
    lines = [line.rpartition("▏")[2] for line in screen.splitlines()[1:-1] if "▏" in line]
    start = next((at for at, line in enumerate(lines) if re.match(r"\s+[✓~·!✗] \S", line)), None)
    if start is None:
        return "", ""
    banner = [lines[start]]
    for line in lines[start + 1 :]:
        if not line.startswith("    ") or not line.strip() or line.strip()[0] in "▌┊":
            break
        banner.append(line)
    # the key that tells why stands at the right of the banner
    return lines[0].strip(), " ".join(re.sub(r"\s{2,}y\s*$", "", line).strip() for line in banner)


def shows_what_is_selected(screen: str) -> bool:
    """Whether the message on the right is the one that the list points at, checked again since it was opened.

    The date tells: of protected header fields the list shows the outer ones.
    """
    _, banner = preview(screen)
    if not banner or re.search(r"Judged (just now|\d)", banner):  # the verdict that was kept, until the check is done
        return False
    row = next((line for line in screen.splitlines() if "▕▸" in line), "")
    date = re.search(r"(\w{3} )?\d\d:\d\d(?=\s*\S?▏)", row)
    heading = "".join(line.rpartition("▏")[2] for line in screen.splitlines()[2:6])
    return date is not None and date[0] in heading


def test_every_banner_says_what_check_says(demo: Tmux, environment: dict[str, str], tmp_path: Path) -> None:
    demo.wait_until(lambda screen: "1/71" in screen)
    demo.wait_until(lambda screen: "64 messages of this folder have a verdict; 7 are encrypted: " in screen)
    (mailbox,) = (tmp_path / "tmp").glob("mailsec-demo-*/mailbox")
    check = subprocess.run(
        [sys.executable, "-m", "mailsec", "check", "--json", "--config", mailbox / "config.toml", mailbox / "Maildir"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    wanted = []
    for line in check.stdout.splitlines():
        report = json.loads(line)
        subject = next((one["value"] for one in report["header"]["fields"] if one["name"].lower() == "subject"), "")
        shown = safe_text(subject).strip()
        verdict = report["verdict"]
        wanted.append((shown, f"{MARKS[verdict['level']]}", verdict["sentence"]))
    assert len(wanted) == 71

    found = []
    for number in range(1, 72):
        place = f"{number}/71 "
        screen = demo.wait_until(lambda screen, place=place: place in screen and shows_what_is_selected(screen))
        found.append(preview(screen))
        demo.press("j")
    demo.press("Q")

    missing = []
    for subject, mark, sentence in wanted:
        fitting = [one for one in found if one[0] == subject and one[1].startswith(mark) and one[1].endswith(sentence)]
        if fitting:
            found.remove(fitting[0])
        else:
            missing.append((subject, mark, sentence))
    assert not missing, found
    assert not found
