"""The real client at a terminal of ours, with a home, mail and a network of its own."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from benchmarks.terminal import Terminal
from mailsec.store import Maildir

# Every connection, datagram and program that is started goes into a file: of the client and of its processes.
WATCH = """
import os, sys
_file = os.open(os.environ["WATCH"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
_WATCHED = {"socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname", "webbrowser.open",
            "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "urllib.Request"}
def _watch(event, arguments):
    if event in _WATCHED:
        os.write(_file, f"{event} {arguments[1:] if event.startswith('socket.c') else arguments!r}\\n".encode())
sys.addaudithook(_watch)
"""


class Listener:
    """A server on the loopback that nobody may connect to.

    Attributes:
        url: its address.
        connections: how many have connected.
    """

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.connections = 0
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections += 1
                connection.close()

    def close(self) -> None:
        self._socket.close()


class NameServer:
    """A name server on the loopback for which no name exists.

    Attributes:
        address: its address, for the configuration.
        port: its port.
    """

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.address = f"127.0.0.1@{self.port}"
        threading.Thread(target=self._answer, daemon=True).start()

    def _answer(self) -> None:
        with suppress(OSError):
            while True:
                query, client = self._socket.recvfrom(4096)
                # the question again, as an answer with the code for a name that does not exist (RFC 1035 4.1.1)
                end = query.index(b"\0", 12) + 5
                answer = query[:2] + b"\x81\x83" + query[4:6] + bytes(6) + query[12:end]
                self._socket.sendto(answer, client)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    server = Listener()
    yield server
    server.close()


@pytest.fixture
def name_server() -> Iterator[NameServer]:
    server = NameServer()
    yield server
    server.close()


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    """An empty Maildir."""
    Maildir.create(tmp_path / "Maildir")
    return tmp_path / "Maildir"


@pytest.fixture
def watch(tmp_path: Path) -> Path:
    """The file in which connections and programs are noted."""
    return tmp_path / "watched"


@pytest.fixture
def environment(tmp_path: Path, watch: Path) -> dict[str, str]:
    """An environment in which nothing of the user's is found, and everything is watched."""
    home = tmp_path / "home"
    home.mkdir()
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(WATCH)
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "TMPDIR")}
    return {
        **kept,
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "SSL_CERT_FILE": "",
        "PYTHONUTF8": "1",
        "PYTHONPATH": str(site),
        "WATCH": str(watch),
    }


Open = Callable[..., Terminal]


@pytest.fixture
def open_client(environment: dict[str, str], maildir: Path, name_server: NameServer, tmp_path: Path) -> Iterator[Open]:
    """Opens the client on the Maildir; keeps its state from one time to the next."""
    config = tmp_path / "config.toml"
    config.write_text(f'mail = ["{maildir}"]\nnameservers = ["{name_server.address}"]\ntimeout = 5.0\n')
    opened: list[Terminal] = []

    def open_client(*, columns: int = 120, rows: int = 40) -> Terminal:
        command = [sys.executable, "-m", "mailsec", "--config", str(config)]
        opened.append(Terminal(command, environment, columns=columns, rows=rows, folder=tmp_path))
        return opened[-1]

    yield open_client
    for terminal in opened:
        terminal.close()
