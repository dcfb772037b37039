"""The resolver against unbound, a resolver of somebody else, on loopback and without a network."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailsec.errors import DnsTemporaryError
from mailsec.hooks import Dnssec, DnsStatus, MailExchange
from mailsec.net.nameserver import NameServer
from mailsec.net.resolver import DnsResolver
from mailsec.net.zone import ZoneResolver

pytestmark = pytest.mark.peer

CONFIG = """
server:
  interface: 127.0.0.1@{port}
  port: {port}
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: "{folder}/unbound.pid"
  use-syslog: no
  logfile: ""
  do-daemonize: no
  do-not-query-localhost: no
  module-config: "iterator"
  local-zone: "example.org." static
  local-zone: "refused.example." refuse
{data}
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@1
remote-control:
  control-enable: no
"""

LONG = " ".join('"' + letter * 250 + '"' for letter in "abcdefghijklmnopqrst")
RECORDS = (
    'example.org. 300 TXT "v=spf1 -all"',
    "example.org. 300 MX 10 mail.example.org.",
    "mail.example.org. 60 A 192.0.2.1",
    "mail.example.org. 60 AAAA 2001:db8::1",
    's1._domainkey.example.org. 3600 TXT "v=DKIM1; " "p=ABC"',
    f"long._domainkey.example.org. 300 TXT {LONG}",
)


def free_port() -> int:
    with contextlib.closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def nameserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NameServer]:
    program = shutil.which("unbound") or shutil.which("unbound", path="/usr/sbin")
    if program is None:
        pytest.skip("unbound is not installed")
    folder: Path = tmp_path_factory.mktemp("unbound")
    port = free_port()
    data = "".join(f"  local-data: '{record}'\n" for record in RECORDS)
    config = folder / "unbound.conf"
    config.write_text(CONFIG.format(port=port, folder=folder, data=data))
    with subprocess.Popen([program, "-d", "-p", "-c", str(config)], stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(200):
                with contextlib.closing(socket.socket()) as tried:
                    if tried.connect_ex(("127.0.0.1", port)) == 0:
                        break
                assert process.poll() is None, "unbound did not start"
                time.sleep(0.05)
            yield NameServer("127.0.0.1", port)
        finally:
            process.terminate()
            process.wait(20)


def test_its_version(nameserver: NameServer, figure: Callable[[str], None]) -> None:
    program = shutil.which("unbound") or "/usr/sbin/unbound"
    version = subprocess.run([program, "-V"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    figure(f"DNS: asked unbound ({version})")


QUESTIONS = [
    ("example.org", "TXT"),
    ("EXAMPLE.org.", "MX"),
    ("mail.example.org", "A"),
    ("mail.example.org", "AAAA"),
    ("mail.example.org", "TXT"),
    ("s1._domainkey.example.org", "TXT"),
    ("long._domainkey.example.org", "TXT"),  # 5000 octets: over TCP
    ("_domainkey.example.org", "TXT"),  # an empty non-terminal
    ("nobody.example.org", "TXT"),
]


@pytest.mark.parametrize(("name", "rdtype"), QUESTIONS)
async def test_it_and_the_zone_file_say_the_same(nameserver: NameServer, name: str, rdtype: str) -> None:
    zone = ZoneResolver("\n".join(RECORDS))
    resolver = DnsResolver([nameserver])
    asked, wanted = await resolver.query(name, rdtype), await zone.query(name, rdtype)
    await resolver.close()
    assert (asked.name, asked.rdtype, asked.status) == (wanted.name, wanted.rdtype, wanted.status)
    assert set(asked.records) == set(wanted.records)
    if asked.status is DnsStatus.FOUND:
        assert asked.ttl == wanted.ttl
    assert asked.dnssec is Dnssec.UNKNOWN  # it does not validate here


async def test_what_it_cannot_or_will_not_answer_is_trouble(nameserver: NameServer) -> None:
    resolver = DnsResolver([nameserver], lifetime=5)
    with pytest.raises(DnsTemporaryError, match="REFUSED"):
        await resolver.query("refused.example", "TXT")
    with pytest.raises(DnsTemporaryError, match=r"SERVFAIL|in time"):
        await resolver.query("elsewhere.example", "TXT")  # forwarded to where nobody listens
    await resolver.close()


async def test_records_in_our_form(nameserver: NameServer) -> None:
    resolver = DnsResolver([nameserver])
    assert (await resolver.query("example.org", "MX")).records == (MailExchange(10, "mail.example.org"),)
    await resolver.close()
