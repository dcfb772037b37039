"""The Public Key Interoperability Test Suite (NIST, 2011), as `cryptography_vectors` brings it.

Names of the certificates say what is expected. What needs revocation or certificate policies is not judged yet:
those are listed here, and must fall on the side that is told.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import cryptography_vectors
import pytest

from mailsec.crypto import Certificate, PathFailure, validate_path
from mailsec.errors import CertificateError

FOLDER = Path(cryptography_vectors.__file__).parent / "x509" / "PKITS_data" / "certs"
NOW = datetime(2015, 1, 1, tzinfo=UTC)

# Sections 4.4, 4.14, 4.15 and single ones elsewhere: invalid only for what a CRL says or how it is made.
REVOCATION = re.compile(
    r"CRL|Revoked|IDP|cRL|onlySomeReasons|onlyContains|distributionPoint|SeparateCertificate"
    r"|LongSerialNumber|NegativeSerialNumber|BasicSelfIssued(NewWithOld|OldWithNew)Test[25]EE"
)
# Sections 4.8 to 4.12: valid only after a look at policies; we refuse where one is asked for.
POLICIES = re.compile(r"[Pp]olicy")
# Section 4.13: constraints on names that mail has no use for.
OTHER_NAMES = re.compile(r"Valid(DNS|URI)nameConstraints")
# DSA with 1024 bits, and with parameters that are inherited: too weak, and not supported.
OLD_DSA = re.compile(r"ValidDSA")
# Signatures that were altered so that they do not even consist of whole octets.
UNREADABLE = frozenset({"BadSignedCACert", "InvalidDSASignatureTest6EE"})


@pytest.fixture(scope="module")
def certificates() -> dict[str, Certificate]:
    found = {}
    for path in FOLDER.glob("*.crt"):
        if path.stem in UNREADABLE:
            with pytest.raises(CertificateError, match="whole octets"):
                Certificate.from_der(path.read_bytes())
        else:
            found[path.stem] = Certificate.from_der(path.read_bytes())
    return found


def test_pkits(certificates: dict[str, Certificate], figure: Callable[[str], None]) -> None:
    root = certificates["TrustAnchorRootCertificate"]
    authorities = [certificate for name, certificate in certificates.items() if not name.endswith("EE")]
    right: list[str] = []
    for_later: list[str] = []
    for name, leaf in certificates.items():
        if not re.match(r"(Valid|Invalid).*EE\Z", name):
            continue
        result = validate_path(leaf, authorities, [root], NOW)
        if name.startswith("Valid") is (result.failure is None):
            right.append(name)
            continue
        for_later.append(name)
        if name.startswith("Invalid"):
            assert REVOCATION.search(name), f"{name}: {result.sentence}"
        elif POLICIES.search(name):
            assert "explicit certificate policy" in result.sentence, name
        else:
            assert OTHER_NAMES.match(name) or OLD_DSA.match(name), f"{name}: {result.sentence}"
            assert result.failure in {PathFailure.UNTRUSTED, PathFailure.WEAK}
    assert len(right) == 131
    assert len(for_later) == 71
    figure(
        f"PKITS: {len(right)} of {len(right) + len(for_later)} paths judged as it says; "
        "the others need CRLs, certificate policies, names that mail does not use, or old DSA"
    )
