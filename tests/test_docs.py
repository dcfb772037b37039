"""Every command that the documentation shows is run.

In a block marked `console` a line that begins with `$ ` is a command; it runs in a folder that holds a
demonstration mailbox named `mailbox`, and must end with status 0, or with the status that a comment
`# exit 1` at its end names. In a block marked `python` the text is a whole program and runs there too.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted(ROOT.glob("plugins/*/README.md"))]
BLOCK = re.compile(r"^```(console|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands(page: Path) -> list[tuple[str, int]]:
    """The commands of a page, each with the exit status that it must have."""
    found = []
    for kind, text in BLOCK.findall(page.read_text()):
        if kind == "console":
            for line in text.splitlines():
                if line.startswith("$ "):
                    command, _, status = line[2:].partition("# exit ")
                    found.append((command.strip(), int(status or 0)))
    return found


def programs(page: Path) -> list[str]:
    return [text for kind, text in BLOCK.findall(page.read_text()) if kind == "python"]


def page_name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a demonstration mailbox."""
    folder = tmp_path_factory.mktemp("docs")
    subprocess.run([sys.executable, "-m", "mailsec", "demo", "--make", str(folder / "mailbox")], check=True)
    return folder


def environment(folder: Path, page: Path) -> dict[str, str]:
    """The environment of a page's commands: its keys and state lie in the folder, and the system's keyring has none."""
    bin_folder = Path(sys.executable).parent
    own = {
        "XDG_STATE_HOME": str(folder / f"state-{page.stem}"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }
    return {**os.environ, **own, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "120"}


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=page_name)
def test_the_commands_of_a_page_run(page: Path, folder: Path) -> None:
    for command, status in commands(page):
        run = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=folder,
            env=environment(folder, page),
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == status, f"{command}\n{run.stdout}\n{run.stderr}"
        assert "Traceback" not in run.stderr, command


@pytest.mark.parametrize("page", [page for page in PAGES if programs(page)], ids=page_name)
def test_the_programs_of_a_page_run(page: Path, folder: Path) -> None:
    for program in programs(page):
        run = subprocess.run(
            [sys.executable, "-W", "error", "-c", program],
            cwd=folder,
            env=environment(folder, page),
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, f"{program}\n{run.stdout}\n{run.stderr}"
