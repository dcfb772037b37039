"""What is kept, and what the DNS tells."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mailsec.errors import CertificateError, UsageError
from mailsec.message import plain_address, safe_text, same_address
from mailsec.store.keys.deciding import names_address
from mailsec.store.keys.making import check_addresses
from mailsec.store.keys.words import certificate_lines, describe_identity, describe_kept_key, origin
from mailsec_smime.keys.as_json import certificate_json, decision_json, identity_json, key_json, known_json
from mailsec_smime.keys.chosen import certificates_of, is_for, keys_of

if TYPE_CHECKING:
    import argparse

    from mailsec.hooks import CommandContext


def list_all(arguments: argparse.Namespace, context: CommandContext) -> int:
    """`keys list`."""
    store, only = context.key_store, arguments.address
    if only is not None and not plain_address(only):
        raise UsageError(f"{only!r} is no e-mail address")
    keys = [key for key in store.own_keys() if only is None or is_for(key, only)]
    decisions = [
        one
        for one in store.decisions()
        if only is None or same_address(one.address, only) or names_address(one.certificate, only)
    ]
    known = store.known(only)
    kept = {key.handle for key in store.own_keys()}
    others = [one for one in context.keys.identities() if one.handle not in kept]
    others = [one for one in others if only is None or same_address(one.name, only)]
    if arguments.json:
        for each in (
            *map(key_json, keys),
            *map(identity_json, others),
            *map(decision_json, decisions),
            *map(known_json, known),
        ):
            print(json.dumps(each, ensure_ascii=False))
        return 0
    now = datetime.now(UTC)
    sections = [
        ("Your keys", [describe_kept_key(key, now) for key in keys]),
        (
            "Trusted",
            [
                [
                    f"for {safe_text(one.address)} alone" if one.address else "as an authority",
                    *certificate_lines(one.certificate, now),
                ]
                for one in decisions
            ],
        ),
        (
            "Correspondents (known, not trusted for that)",
            [
                [safe_text(one.address), *certificate_lines(one.certificate, now), origin(one.source, one.detail)]
                for one in known
            ],
        ),
    ]
    if others:
        sections.insert(1, ("Keys in files and on tokens", [describe_identity(one, now) for one in others]))
    for title, entries in sections:
        print(title + ("" if entries else ": none"))
        for first, *rest in entries:
            print(f"  {first}")
            for line in rest:
                print(f"      {line}")
    return 0


def show(arguments: argparse.Namespace, context: CommandContext) -> int:
    """`keys show`."""
    store, now = context.key_store, datetime.now(UTC)
    keys = keys_of(store, arguments.which)
    certificates = certificates_of(store, arguments.which)
    if not keys and not certificates:
        raise UsageError(f"nothing is kept under {arguments.which!r}; mailsec smime keys list shows what is")
    if arguments.json:
        for each in (*map(key_json, keys), *map(certificate_json, certificates)):
            print(json.dumps(each, ensure_ascii=False))
        return 0
    if arguments.pem:
        own = [certificate for key in keys for certificate in key.certificates]
        for certificate in dict.fromkeys((*own, *certificates)):
            sys.stdout.write(certificate.to_pem().decode("ascii"))
        return 0
    for key in keys:
        print("\n  ".join(describe_kept_key(key, now)))
    shown = {certificate for key in keys for certificate in key.certificates[:1]}
    for certificate in certificates:
        if certificate not in shown:
            print("\n  ".join(certificate_lines(certificate, now, whole=True)))
    return 0


async def find(arguments: argparse.Namespace, context: CommandContext) -> int:
    """`keys find`: the certificates that a correspondent's domain publishes."""
    from mailsec.net.smimea import find_smimea

    check_addresses([arguments.address])
    address, store, now = arguments.address, context.key_store, datetime.now(UTC)
    found = await find_smimea(address, context.resolver)
    for trouble in found.troubles:
        print(f"mailsec: {safe_text(trouble)}", file=sys.stderr)
    kept = [one.certificate for one in store.known(address)]
    shown = 0
    for record in found.records:
        what = "an authority above the certificate" if record.names_issuer else "the certificate"
        also = ", which needs a path to an authority that you trust besides" if record.needs_path else ""
        try:
            whole = record.certificate()
        except CertificateError as error:
            print(f"mailsec: a record cannot be used: {safe_text(str(error))}", file=sys.stderr)
            continue
        matching = [whole] if whole is not None else [known for known in kept if record.matches(known)]
        if whole is not None and not record.names_issuer and arguments.keep:
            store.remember(address, whole, "smimea", found.answer.name, now)
        for certificate in matching:
            shown += 1
            if arguments.json:
                print(json.dumps({**certificate_json(certificate), "usage": record.usage}, ensure_ascii=False))
            else:
                print(f"The domain names {what}{also}:")
                print("  " + "\n  ".join(certificate_lines(certificate, now, whole=True)))
        if not matching and not arguments.json:
            print(f"The domain names {what} by a digest or key that no certificate known for the address has.")
    if not shown and not found.troubles:
        print(f"mailsec: the domain publishes no certificate for {safe_text(address)} that is known", file=sys.stderr)
    return 0 if shown else 1
