"""Trust anchors: those of the system, those in files that the user names, and those that the user has decided on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mailsec.errors import CertificateError, InputError
from mailsec.message import plain_address

if TYPE_CHECKING:
    from mailsec.crypto import Certificate
    from mailsec.store.keys import FileKeyStore

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


class _Decided(NamedTuple):
    """What is trusted as of one state of the key store."""

    stamp: object
    anchors: tuple[Certificate, ...]
    single: dict[str, list[Certificate]]
    origins: dict[str, str]


class FileTrust:
    """What the user and the system trust; implements `mailsec.hooks.TrustStore`.

    Args:
        own: the user's anchors.
        bundle: the file with the system's; it is read when anchors are first wanted, and left out where it cannot
            be read.
        store: gives the key store with the user's decisions, if there is one; they are read anew when they change.
    """

    def __init__(
        self,
        own: Iterable[Certificate] = (),
        bundle: Path | None = None,
        store: Callable[[], FileKeyStore | None] | None = None,
    ) -> None:
        self._own = tuple(own)
        self._bundle = bundle
        self._system: tuple[Certificate, ...] | None = None
        self._store = store
        self._read: _Decided | None = None

    def anchors(self) -> Sequence[Certificate]:
        """All trust anchors in force, the user's first.

        Raises:
            StoreError: the key store cannot be read.
        """
        return self._decided().anchors

    def trusted_for(self, address: str) -> Sequence[Certificate]:
        """The certificates that the user trusts by themselves for one address.

        Raises:
            StoreError: the key store cannot be read.
        """
        return tuple(self._decided().single.get(plain_address(address), ()))

    def origins(self) -> Mapping[str, str]:
        """Where the trust in certificates comes from, by fingerprint; of those of the system nothing is said.

        Raises:
            StoreError: the key store cannot be read.
        """
        return self._decided().origins

    def _decided(self) -> _Decided:
        store = None if self._store is None else self._store()
        stamp = None if store is None else store.stamp()
        if self._read is None or self._read.stamp != stamp:
            decisions = () if store is None else store.decisions()
            single: dict[str, list[Certificate]] = {}
            for one in decisions:
                if one.address:
                    single.setdefault(one.address, []).append(one.certificate)
            chosen = (one.certificate for one in decisions if not one.address)
            anchors = tuple(dict.fromkeys((*self._own, *chosen, *self._of_the_system())))
            origins = {one.fingerprint: "a file that you named" for one in self._own}
            origins |= {one.certificate.fingerprint: f"your decision of {one.added:%Y-%m-%d}" for one in decisions}
            self._read = _Decided(stamp, anchors, single, origins)
        return self._read

    def _of_the_system(self) -> tuple[Certificate, ...]:
        if self._system is None:
            self._system = ()
            if self._bundle is not None:
                with suppress(InputError):
                    self._system = read_anchors(self._bundle)
        return self._system


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
