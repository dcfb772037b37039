"""Name servers as the configuration and resolv.conf(5) name them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailsec.errors import ConfigError
from mailsec.net.nameserver import NameServer, parse_nameserver, system_nameservers


@pytest.mark.parametrize(
    ("text", "server", "trusted"),
    [
        ("192.0.2.53", NameServer("192.0.2.53"), False),
        ("192.0.2.53!", NameServer("192.0.2.53", trusted=True), True),
        (" 192.0.2.53@5353 ", NameServer("192.0.2.53", 5353), False),
        ("127.0.0.1", NameServer("127.0.0.1"), True),
        ("::1@53", NameServer("::1"), True),
        ("2001:db8::53", NameServer("2001:db8::53"), False),
        ("[2001:db8::53]:5353!", NameServer("2001:db8::53", 5353, trusted=True), True),
        ("[2001:db8::53]", NameServer("2001:db8::53"), False),
        ("fe80::1%lo", NameServer("fe80::1%lo"), False),
    ],
)
def test_name_servers(text: str, server: NameServer, trusted: bool) -> None:
    assert parse_nameserver(text) == server
    assert parse_nameserver(text).trusted is trusted


@pytest.mark.parametrize(
    "text", ["", "!", "dns.example.org", "192.0.2.53@0", "192.0.2.53@65536", "192.0.2.53@x", "[", "192.0.2.53@٥٣"]
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(ConfigError, match="is no name server"):
        parse_nameserver(text)


def test_their_names() -> None:
    assert str(NameServer("192.0.2.53")) == "192.0.2.53"
    assert str(NameServer("192.0.2.53", 5353)) == "192.0.2.53@5353"


RESOLV_CONF = [
    ("one", "nameserver 192.0.2.1\n", (NameServer("192.0.2.1"),)),
    ("at most three", "".join(f"nameserver 192.0.2.{n}\n" for n in range(1, 6)),
     tuple(NameServer(f"192.0.2.{n}") for n in (1, 2, 3))),
    ("comments and other words", "# nameserver 192.0.2.9\n; x\nsearch example\n\nnameserver\nnameserver 192.0.2.1 x\n",
     (NameServer("192.0.2.1"),)),
    ("trust-ad", "options edns0 trust-ad\nnameserver 192.0.2.1\n", (NameServer("192.0.2.1", trusted=True),)),
    ("rubbish", "nameserver nonsense\n", (NameServer("127.0.0.1"),)),
    ("empty", "", (NameServer("127.0.0.1"),)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "servers"), [c[1:] for c in RESOLV_CONF], ids=[c[0] for c in RESOLV_CONF])
def test_resolv_conf(tmp_path: Path, text: str, servers: tuple[NameServer, ...]) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text(text)
    assert system_nameservers(file) == servers


def test_without_resolv_conf(tmp_path: Path) -> None:
    assert system_nameservers(tmp_path / "missing") == (NameServer("127.0.0.1"),)
