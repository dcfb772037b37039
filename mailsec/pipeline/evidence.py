"""Evidence as JSON, without loss: what a report rests on can be kept and read back.

Octets that are mostly text (TXT records) are kept as text in ISO 8859-1, which holds each octet as one character;
certificates and documents are kept in base64.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, get_args

from mailsec.errors import InputError
from mailsec.hooks.types import (
    Anchors,
    CertificateNote,
    CertificatePath,
    DnsAnswer,
    DnsFailure,
    DnsRecord,
    Dnssec,
    DnsStatus,
    Evidence,
    Fact,
    Fetched,
    MailExchange,
    Moment,
    PathRole,
)

__all__ = ["from_json", "to_json"]

_NOTES = frozenset(("failure", "good", "revoked", "unknown"))


def to_json(evidence: Evidence) -> dict[str, Any]:
    """One piece of evidence as an object for JSON, with its kind under `"kind"`.

    Args:
        evidence: any kind of it.
    """
    match evidence:
        case DnsAnswer(name, rdtype, status, records, ttl, dnssec):
            return {
                "kind": "dns",
                "name": name,
                "rdtype": rdtype,
                "status": str(status),
                "records": [_record_to_json(one) for one in records],
                "ttl": ttl,
                "dnssec": str(dnssec),
            }
        case DnsFailure(name, rdtype, why):
            return {"kind": "dns-failure", "name": name, "rdtype": rdtype, "why": why}
        case Fetched(url, status, media_type, octets, request):
            document = {"url": url, "status": status, "media_type": media_type, "octets": _base64(octets)}
            return {"kind": "fetched", **document, **({"request": request} if request else {})}
        case Moment(at, source):
            return {"kind": "moment", "at": at.isoformat(), "source": source}
        case Anchors(fingerprints, address, origins):
            more = {**({"address": address} if address else {}), **({"origins": dict(origins)} if origins else {})}
            return {"kind": "anchors", "fingerprints": list(fingerprints), **more}
        case CertificatePath():
            return _path_to_json(evidence)
        case Fact(name, value):
            return {"kind": "fact", "name": name, "value": value}


def from_json(kept: Mapping[str, Any]) -> Evidence:
    """Reads back what `to_json` gave.

    Args:
        kept: the object.

    Raises:
        InputError: it is no evidence.
    """
    try:
        return _READERS[kept["kind"]](kept)
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
        raise InputError("what should be kept evidence cannot be read as such") from error


def _path_to_json(path: CertificatePath) -> dict[str, Any]:
    made: dict[str, Any] = {
        "kind": "path",
        "certificates": [_base64(one) for one in path.certificates],
        "anchored": path.anchored,
    }
    if path.notes:
        made["notes"] = [{"place": one.place, "kind": one.kind, "sentence": one.sentence} for one in path.notes]
    if path.role != "signer":
        made["role"] = path.role
    return made


def _path(kept: Mapping[str, Any]) -> CertificatePath:
    role = kept.get("role", "signer")
    notes = tuple(
        CertificateNote(int(one["place"]), one["kind"], _text(one["sentence"])) for one in kept.get("notes", ())
    )
    if role not in get_args(PathRole) or any(one.kind not in _NOTES or one.place < 0 for one in notes):
        raise ValueError("no path")
    return CertificatePath(tuple(_octets(one) for one in kept["certificates"]), kept["anchored"] is True, notes, role)


def _anchors(kept: Mapping[str, Any]) -> Anchors:
    origins = tuple((_text(one), _text(where)) for one, where in dict(kept.get("origins", {})).items())
    return Anchors(tuple(_text(one) for one in kept["fingerprints"]), _text(kept.get("address", "")), origins)


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def _octets(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _record_to_json(record: DnsRecord) -> Any:
    match record:
        case bytes():
            return {"octets": record.decode("latin-1")}
        case MailExchange(preference, host):
            return {"preference": preference, "host": host}
        case _:
            return record


def _record(kept: Any) -> DnsRecord:
    if isinstance(kept, str):
        return kept
    if "octets" in kept:
        return _text(kept["octets"]).encode("latin-1")
    return MailExchange(int(kept["preference"]), _text(kept["host"]))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("text was expected")
    return value


def _moment(kept: Mapping[str, Any]) -> Moment:
    at = datetime.fromisoformat(kept["at"])
    if at.tzinfo is None or kept["source"] not in {"now", "delivery", "chosen"}:
        raise ValueError("no moment")
    return Moment(at, kept["source"])


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Evidence]] = {
    "dns": lambda kept: DnsAnswer(
        _text(kept["name"]),
        _text(kept["rdtype"]),
        DnsStatus(kept["status"]),
        tuple(_record(one) for one in kept["records"]),
        int(kept["ttl"]),
        Dnssec(kept["dnssec"]),
    ),
    "dns-failure": lambda kept: DnsFailure(_text(kept["name"]), _text(kept["rdtype"]), _text(kept["why"])),
    "fetched": lambda kept: Fetched(
        _text(kept["url"]),
        int(kept["status"]),
        _text(kept["media_type"]),
        _octets(kept["octets"]),
        _text(kept.get("request", "")),
    ),
    "moment": _moment,
    "anchors": _anchors,
    "path": _path,
    "fact": lambda kept: Fact(_text(kept["name"]), _text(kept["value"])),
}
