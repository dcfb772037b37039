"""Authentication-Results: what can be read can be written and reads the same; removing forged fields."""

from __future__ import annotations

from collections.abc import Iterator

from mailsec.errors import UsageError
from mailsec.message import parse, parse_header
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
    """Reads a value; what can be read and written stays one field that says the same."""
    message = parse(b"Authentication-Results: " + octets + b"\r\n\r\n")
    deleted = {edit.index for edit in authres.forged(message.header, "example.com")}
    for field in message.header.all("authentication-results"):
        found = authres.parse(field.raw_value)
        if found is None:
            continue
        assert field.index in deleted or found.authserv_id.lower() != "example.com"
        try:
            written = authres.write(found.authserv_id, found.results)
        except UsageError:
            continue
        assert len(parse_header(written)) == 1
        again = authres.parse(written.partition(b":")[2])
        assert again is not None
        said = [(one.method, one.result, len(one.properties)) for one in found.results]
        assert [(one.method, one.result, len(one.properties)) for one in again.results] == said[: authres.RESULTS]
