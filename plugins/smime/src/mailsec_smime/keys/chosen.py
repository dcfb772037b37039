"""What the user means by an address or a fingerprint, and whether it is meant."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from mailsec.crypto import describe_key
from mailsec.errors import UsageError
from mailsec.message import same_address
from mailsec.store.keys.deciding import digits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailsec.crypto import Certificate
    from mailsec.hooks import KeptKey, KeyStore

_SHORTEST: Final = 8  # digits of a fingerprint that name a certificate


def begins(fingerprint: str, which: str) -> bool:
    """Whether a fingerprint is meant, by its beginning."""
    beginning = digits(which)
    return len(beginning) >= _SHORTEST and fingerprint.startswith(beginning)


def is_for(key: KeptKey, address: str) -> bool:
    """Whether a key answers for an address."""
    return any(same_address(address, one) for one in key.addresses)


def keys_of(store: KeyStore, which: str) -> list[KeptKey]:
    """The keys that are meant."""
    return [
        key
        for key in store.own_keys()
        if is_for(key, which)
        or begins(key.handle, which)
        or any(begins(one.fingerprint, which) for one in key.certificates[:1])
    ]


def one_key(store: KeyStore, which: str) -> KeptKey:
    """The one key that is meant."""
    keys = keys_of(store, which)
    if not keys:
        raise UsageError(f"no key is kept under {which!r}; mailsec smime keys list shows what is")
    if len(keys) > 1:
        raise UsageError(several(keys, which))
    return keys[0]


def several(keys: Sequence[KeptKey], which: str) -> str:
    """The sentence for more keys than one."""
    prints = ", ".join(
        f"{(key.certificates[0].fingerprint if key.certificates else key.handle)[:16]} ({describe_key(key.public_key)})"
        for key in keys
    )
    return f"several keys are kept under {which!r}; name one by its fingerprint: {prints}"


def certificates_of(store: KeyStore, which: str) -> list[Certificate]:
    """All certificates that are kept and meant: of one's own, of those trusted, and of correspondents."""
    found = [key.certificates[0] for key in keys_of(store, which) if key.certificates]
    kept = [(one.address, one.certificate) for one in store.decisions()]
    kept += [(one.address, one.certificate) for one in store.known()]
    found += [one for address, one in kept if same_address(address, which) or begins(one.fingerprint, which)]
    return list(dict.fromkeys(found))


def confirm(question: str, sure: bool, instead: str = "--yes") -> None:
    """Asks for a yes.

    Raises:
        UsageError: it was not given, or nobody can be asked.
    """
    if sure:
        return
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(f"nobody can be asked here, so nothing was done: confirm with {instead}")
    print(f"{question} [yes/no] ", end="", flush=True)
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise UsageError("nothing was done")
