"""Whom the user trusts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mailsec.crypto import Certificate, load_certificates
from mailsec.errors import CertificateError, InputError, UsageError
from mailsec.message import plain_address, safe_text, same_address
from mailsec.store.keys.deciding import digits, names_address, trust_certificate, what_it_means
from mailsec.store.keys.words import certificate_lines
from mailsec_smime.keys.chosen import begins, certificates_of, confirm

if TYPE_CHECKING:
    import argparse

    from mailsec.hooks import CommandContext, KeyStore


def trust(arguments: argparse.Namespace, context: CommandContext) -> int:
    """`keys trust`: once its fingerprint was confirmed."""
    store, now = context.key_store, datetime.now(UTC)
    certificate = _certificate_to_trust(store, arguments.which)
    address: str = arguments.address or ""
    if not address and not arguments.anchor and not certificate.is_ca:
        addresses = [one for one in certificate.emails if plain_address(one)]
        if len(addresses) != 1:
            raise UsageError(
                "this is no authority's certificate: say with --for ADDRESS whom it stands for,"
                " or with --anchor that it is an authority all the same"
            )
        address = addresses[0]
    if address and not names_address(certificate, address):
        raise UsageError(f"the certificate is not for {address!r}, so it can vouch for nothing there")
    print("\n  ".join(certificate_lines(certificate, now, whole=True)))
    print(safe_text(what_it_means(address)))
    if arguments.fingerprint is not None:
        if digits(arguments.fingerprint) != certificate.fingerprint:
            raise UsageError("the fingerprint is another: nothing was done")
    else:
        confirm(
            "Compare the fingerprint with what its owner tells you over another way than mail. Is it the same?",
            sure=False,
            instead="--fingerprint SHA256",
        )
    trust_certificate(store, certificate, address, now)
    print("Trusted.")
    return 0


def _certificate_to_trust(store: KeyStore, which: str) -> Certificate:
    from mailsec.store.keys import read_limited

    path = Path(which)
    if path.is_file():
        try:
            certificates = load_certificates(read_limited(path))
        except CertificateError as error:
            raise InputError(f"{path} holds no certificate to trust: {error}") from None
        if len(certificates) > 1:
            raise UsageError(f"{path} holds {len(certificates)} certificates: trust is given to one at a time")
        return certificates[0]
    certificates = tuple(certificates_of(store, which))
    if not certificates:
        raise UsageError(f"{which!r} is neither a file nor a certificate that is known")
    if len(certificates) > 1:
        prints = ", ".join(one.fingerprint[:16] for one in certificates)
        raise UsageError(f"several certificates are known under {which!r}; name one by its fingerprint: {prints}")
    return certificates[0]


def distrust(arguments: argparse.Namespace, context: CommandContext) -> int:
    """`keys distrust`: takes decisions back."""
    store, now = context.key_store, datetime.now(UTC)
    which, only = arguments.which, arguments.address
    found = [
        one
        for one in store.decisions()
        if (same_address(one.address, which) or begins(one.certificate.fingerprint, which))
        and (only is None or same_address(one.address, only))
    ]
    if not found:
        raise UsageError(f"nothing is trusted under {which!r}; mailsec smime keys list shows what is")
    for one in found:
        how = f"for {safe_text(one.address)} alone" if one.address else "as an authority"
        print(f"Trusted {how}: " + "\n  ".join(certificate_lines(one.certificate, now)))
    confirm("Take it back?", arguments.yes)
    for one in found:
        store.distrust(one.certificate, one.address)
    print("Not trusted any more.")
    return 0
