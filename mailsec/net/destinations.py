"""Where a fetch may go: to public addresses, and to networks that somebody has allowed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)
from typing import TypeAlias
from urllib.parse import urlsplit

from mailsec.errors import FetchError

__all__ = ["Address", "Destination", "Network", "is_public", "may_be_reached", "parse_url"]

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

URL_OCTETS = 2048
"""Octets of a URL that is fetched."""

_GLOBAL_UNICAST = IPv6Network("2000::/3")  # RFC 4291 section 2.4: all that is given out so far
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052 section 2.1
_NOT_GLOBAL = (IPv6Network("2001::/23"), IPv6Network("2001:db8::/32"), IPv6Network("3fff::/20"))  # RFC 6890, 9637
_6TO4 = IPv6Network("2002::/16")  # RFC 3056
_RELAYS = IPv4Network("192.88.99.0/24")  # RFC 7526
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Destination:
    """A URL taken apart.

    Attributes:
        scheme: `"http"` or `"https"`.
        host: a domain name in lower case, or an address.
        address: the address, where the URL names one.
        port: the port.
        target: path and query, as they go into the request.
    """

    scheme: str
    host: str
    address: Address | None
    port: int
    target: str

    @property
    def authority(self) -> str:
        """Host and port for the Host field (RFC 9110 section 7.2)."""
        host = f"[{self.host}]" if isinstance(self.address, IPv6Address) else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def parse_url(url: str) -> Destination:
    """Takes a URL apart that somebody else has written.

    Raises:
        FetchError: it is none that may be fetched; the sentence says why.
    """
    if len(url) > URL_OCTETS:
        raise FetchError(f"a URL of {len(url)} characters is not fetched, and at most {URL_OCTETS} are")
    if not url.isascii() or any(not "!" <= char <= "~" for char in url):
        raise FetchError(f"{url!r} is not fetched: it has characters that a URL may not have")
    try:
        parts = urlsplit(url)
        port, host = parts.port, (parts.hostname or "").removesuffix(".")
    except ValueError:
        raise FetchError(f"{url} is no URL") from None
    if parts.scheme not in _PORTS:
        raise FetchError(f"{url} is not fetched: only http and https URLs are")
    if not host or "@" in parts.netloc or "%" in host:
        raise FetchError(f"{url} is not fetched: it must name a host, and no user")
    port = _PORTS[parts.scheme] if port is None else port
    if port < 1024 and port not in _PORTS.values():
        raise FetchError(f"{url} is not fetched: its port {port} belongs to another service")
    return Destination(
        parts.scheme, host, _literal(host), port, (parts.path or "/") + (f"?{parts.query}" * bool(parts.query))
    )


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        pass
    if host.rpartition(".")[2].isdigit() or host.rpartition(".")[2].startswith("0x"):
        # Other ways to write an IPv4 address, such as 127.1 and 0x7f000001; no top-level domain looks so.
        raise FetchError(f"the host {host} is neither a domain name nor an address")
    return None


def may_be_reached(address: Address, allowed: Sequence[Network] = ()) -> bool:
    """Whether a fetch may go to an address: a public one, or one in an allowed network.

    Args:
        address: the address.
        allowed: networks that are allowed although they are not public.
    """
    return is_public(address) or any(address in network for network in allowed)


def is_public(address: Address) -> bool:
    """Whether an address is one of the public Internet, also where it wraps up another one."""
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast and address not in _RELAYS
    if address.ipv4_mapped is not None:
        return False  # never on the wire; the address should have been written as what it is
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    if address in _6TO4:
        return is_public(IPv4Address(int(address) >> 80 & 0xFFFFFFFF))
    return address in _GLOBAL_UNICAST and not any(address in network for network in _NOT_GLOBAL)
