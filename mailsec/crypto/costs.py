"""What loading a file with keys would cost, found out before it is paid.

Files with keys state themselves how often a password is hashed and how long a key is, and libraries do as they are
told, for hours. A legitimate file stays far below these limits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailsec.crypto.limits import KEY_FILE_LIMITS, KeyFileLimits
from mailsec.errors import CMSError, KeyFileError, LimitError

if TYPE_CHECKING:
    from mailsec.crypto.cms.tlv import Element

__all__ = ["check_costs"]

_PBKDF2: Final = "1.2.840.113549.1.5.12"  # RFC 8018 appendix A.2
_SCRYPT: Final = "1.3.6.1.4.1.11591.4.11"  # RFC 7914 section 7
_PBES1: Final = "1.2.840.113549.1.5."  # RFC 8018 appendix A.3, also that of PBES2, whose parameters are no number
_PKCS12: Final = "1.2.840.113549.1.12.1."  # RFC 7292 appendix C


def check_costs(octets: bytes, limits: KeyFileLimits = KEY_FILE_LIMITS) -> None:
    """Looks through PKCS#8 (RFC 5958) or PKCS#12 (RFC 7292), as far as it is not encrypted.

    What is malformed is left to whoever loads it.

    Args:
        octets: the structure, in DER or BER.
        limits: the limits to keep.

    Raises:
        KeyFileError: loading it would cost more than any honest file does.
    """
    from mailsec.crypto.cms.tlv import OCTET_STRING, SEQUENCE, read

    work = 0
    waiting: list[tuple[bytes | memoryview, int]] = [(octets, 0)]
    seen = 0
    while waiting:
        inside, depth = waiting.pop()
        try:
            stack = [read(inside)]
        except (CMSError, LimitError):
            continue
        while stack:
            element = stack.pop()
            seen += 1
            if seen > limits.elements:
                raise KeyFileError("the file has more parts than any with a key in it")
            if element.tag == OCTET_STRING:
                if depth < limits.depth:
                    _look_inside(element, depth, waiting)
                continue
            if not element.constructed:
                _check_number(element, limits)
                continue
            try:
                children = list(element.children())
            except (CMSError, LimitError):
                continue
            if element.tag == SEQUENCE:
                work += _cost(children, limits)
                if work > limits.work:
                    raise KeyFileError("a password in the file is to be hashed more often than any honest file wants")
            stack += children


def _look_inside(element: Element, depth: int, waiting: list[tuple[bytes | memoryview, int]]) -> None:
    """PKCS#12 and PKCS#8 have structures within OCTET STRINGs."""
    try:
        octets = element.octets() if element.constructed else element.contents
    except (CMSError, LimitError):
        return
    if octets[:1] == b"\x30":
        waiting.append((octets, depth + 1))


def _check_number(element: Element, limits: KeyFileLimits) -> None:
    from mailsec.crypto.cms.tlv import INTEGER

    if element.tag == INTEGER and element.end - element.body > limits.number_octets:
        raise KeyFileError(f"a number in the key has more than {8 * (limits.number_octets - 1)} bits")


def _cost(children: list[Element], limits: KeyFileLimits) -> int:
    """How many hashes the members of one SEQUENCE ask for, if they are parameters of a key derivation."""
    from mailsec.crypto.cms.tlv import INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE

    tags = [child.tag for child in children]
    try:
        if tags == [SEQUENCE, OCTET_STRING, INTEGER]:  # MacData (RFC 7292 section 4)
            return _at_least_one(children[2])
        if tags[:2] == [SEQUENCE, OCTET_STRING] and children[1].end - children[1].body > limits.key_octets:
            if _derivation(children[0]):  # EncryptedPrivateKeyInfo (RFC 5958 section 3)
                raise KeyFileError(f"the encrypted key has more than {limits.key_octets} octets")
            return 0
        if tags[:2] != [OBJECT_IDENTIFIER, SEQUENCE]:
            return 0
        oid = children[0].oid()
        numbers = [_at_least_one(one) for one in children[1].children() if one.tag == INTEGER]
    except (CMSError, LimitError):
        return 0
    if oid == _SCRYPT and len(numbers) >= 3:
        if 128 * numbers[0] * numbers[1] > limits.memory:
            raise KeyFileError("the password of the file is to be stretched with more memory than there should be")
        return numbers[0] * numbers[1] * numbers[2]
    if numbers and (oid == _PBKDF2 or oid.startswith((_PBES1, _PKCS12))):
        return numbers[0]
    return 0


def _derivation(element: Element) -> bool:
    """Whether it is the AlgorithmIdentifier of an encryption with a password."""
    first = next(element.children(), None)
    return first is not None and first.oid().startswith((_PBES1, _PKCS12))


def _at_least_one(element: Element) -> int:
    return max(element.integer(), 1)
