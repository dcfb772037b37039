"""DKIM (RFC 6376, 8301, 8463) for mailsec: verifies and signs.

Nothing heavy is imported before a hook is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailsec.hooks import Sealer, Verifier, hookimpl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailsec_dkim.settings import Settings

__all__ = ["mailsec_sealers", "mailsec_settings", "mailsec_verifiers"]


@hookimpl
def mailsec_verifiers() -> Sequence[Verifier]:
    """The verifier `dkim`."""
    from mailsec_dkim.verify import start

    return [Verifier(name="dkim", methods=("dkim",), start=start)]


@hookimpl
def mailsec_sealers() -> Sequence[Sealer]:
    """The sealer `dkim`."""
    from mailsec_dkim.seal import start

    return [Sealer(name="dkim", start=start)]


@hookimpl
def mailsec_settings() -> type[Settings]:
    """The table `[plugins.dkim]`."""
    from mailsec_dkim.settings import Settings

    return Settings
