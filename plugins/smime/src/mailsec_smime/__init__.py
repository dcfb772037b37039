"""S/MIME (RFC 8551) for mailsec: opens what is signed, and signs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mailsec.hooks import Command, Opener, Protector, hookimpl


@hookimpl
def mailsec_openers() -> Sequence[Opener]:
    """Verifies clear-signed and opaque messages."""
    from mailsec_smime.opening import CONTENT_TYPES, open_part

    return [Opener(name="smime", methods=("smime",), content_types=CONTENT_TYPES, open=open_part)]


@hookimpl
def mailsec_protectors() -> Sequence[Protector]:
    """Signs and encrypts outgoing messages."""
    from mailsec_smime.protecting import protect

    return [Protector(name="smime", protect=protect)]


@hookimpl
def mailsec_commands() -> Sequence[Command]:
    """The command `mailsec smime`."""
    from mailsec_smime.command import configure, run

    return [Command(name="smime", help="S/MIME: sign, verify, encrypt, decrypt; keys", configure=configure, run=run)]


@hookimpl
def mailsec_settings() -> type[Any]:
    """The table `[plugins.smime]`."""
    from mailsec_smime.settings import Settings

    return Settings
