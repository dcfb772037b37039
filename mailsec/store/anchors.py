"""Trust anchors from files: those of the system and those that the user adds."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mailsec.errors import CertificateError, InputError

if TYPE_CHECKING:
    from mailsec.crypto import Certificate

__all__ = ["FileTrust", "read_anchors", "system_bundle"]

MAX_OCTETS = 16 << 20
"""Octets that a file with trust anchors may have."""

BUNDLES = (
    "/etc/pki/ca-trust/extracted/pem/email-ca-bundle.pem",  # Fedora, Red Hat: those for e-mail alone
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",  # macOS, the BSDs
)


def system_bundle(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The file with the system's trust anchors, if there is one.

    Args:
        environ: the environment, in which `SSL_CERT_FILE` may name it; empty there for none at all.
    """
    if "SSL_CERT_FILE" in environ:
        return Path(environ["SSL_CERT_FILE"]) if environ["SSL_CERT_FILE"] else None
    return next((Path(name) for name in BUNDLES if Path(name).is_file()), None)


def read_anchors(path: Path) -> tuple[Certificate, ...]:
    """Reads trust anchors: PEM text with any number of certificates, or DER.

    Args:
        path: the file.

    Raises:
        InputError: it cannot be read, or there is no certificate in it; the sentence names the file.
    """
    from mailsec.crypto import load_certificates

    try:
        with path.open("rb") as file:
            octets = file.read(MAX_OCTETS + 1)
    except (OSError, ValueError) as error:
        raise InputError(f"the trust anchors in {path} cannot be read: {_reason(error)}") from None
    if len(octets) > MAX_OCTETS:
        raise InputError(f"{path} has more than {MAX_OCTETS} octets, too many for trust anchors")
    try:
        return load_certificates(octets)
    except CertificateError as error:
        raise InputError(f"{path} holds no trust anchors: {error}") from None


class FileTrust:
    """The trust anchors of the user and of the system; implements `mailsec.hooks.TrustStore`.

    Args:
        own: the user's anchors.
        bundle: the file with the system's; it is read when anchors are first wanted, and left out where it cannot
            be read.
    """

    def __init__(self, own: Iterable[Certificate] = (), bundle: Path | None = None) -> None:
        self._own = tuple(own)
        self._bundle = bundle
        self._all: tuple[Certificate, ...] | None = None

    def anchors(self) -> Sequence[Certificate]:
        """All trust anchors in force, the user's first."""
        if self._all is None:
            system: tuple[Certificate, ...] = ()
            if self._bundle is not None:
                try:
                    system = read_anchors(self._bundle)
                except InputError:
                    system = ()
            self._all = tuple(dict.fromkeys((*self._own, *system)))
        return self._all


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
