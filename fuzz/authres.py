"""Authentication-Results: what can be read can be written and reads the same; removing forged fields."""

from __future__ import annotations

from collections.abc import Iterator

from mailsec.message import parse
from mailsec.pipeline import authres


def seeds() -> Iterator[bytes]:
    """Field values after RFC 8601 appendix B."""
    yield b"example.org 1; none"
    yield (
        b"example.com; auth=pass (cram-md5) smtp.auth=sender@example.net;\r\n spf=pass smtp.mailfrom=example.net;"
        b' dkim=fail reason="bad (x)" header.i=@newyork.example.com header.b=oINEO8hg'
    )
    yield b'(a (nested) comment) "quoted id" ; x-y / 1 = pass policy.expired = "1"'


def try_input(octets: bytes) -> None:
    """Reads a value; what can be read can be written, and reads the same again."""
    message = parse(b"Authentication-Results: " + octets + b"\r\n\r\n")
    authres.forged(message.header, "example.com")
    for field in message.header.all("authentication-results"):
        found = authres.parse(field.raw_value)
        if found is None:
            continue
        assert authres.parse(authres.write_value(found)) == found
