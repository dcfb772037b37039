"""The Public Key Interoperability Test Suite (NIST, 2011): its 224 S/MIME messages, each judged as it says.

`cryptography_vectors` brings the messages, certificates and CRLs. The name of a message says what is expected, or the
table of inputs does, which follows sections 4.8 to 4.12 of the document that describes the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cryptography_vectors
import pytest

from mailsec.crypto import Assessment, Certificate, PathRules, PathValidator, Status
from mailsec.crypto.algorithms import AlgorithmPolicy, assess_key, assess_signature
from mailsec.crypto.building import working_keys
from mailsec.crypto.cms import Content, Outcome, parse_signed_data, verify_signer
from mailsec.crypto.limits import RevocationLimits
from mailsec.crypto.revocation import RevocationChecker, RevocationStatus
from mailsec.errors import CertificateError
from mailsec.message import parse, to_crlf

FOLDER = Path(cryptography_vectors.__file__).parent / "x509" / "PKITS_data"
NOW = datetime(2015, 1, 1, tzinfo=UTC)


def as_in_2010(judge: Callable[..., Assessment]) -> Callable[..., Assessment]:
    """DSA with 1024 bits and SHA-1 counted when the suite was made."""

    def judged(*arguments: object, use: str) -> Assessment:
        found = judge(*arguments, use=use)
        return replace(found, status=Status.ACCEPTED) if "DSA" in found.sentence or "SHA-1" in found.sentence else found

    return judged


RULES = PathRules(algorithms=AlgorithmPolicy(as_in_2010(assess_key), as_in_2010(assess_signature)))

P = {number: f"2.16.840.1.101.3.2.1.48.{number}" for number in range(1, 8)}


def among(*numbers: int, explicit: bool = False, **options: bool) -> PathRules:
    """Rules with NIST-test-policy-N as the user-initial-policy-set; any policy without numbers."""
    policies = frozenset(P[number] for number in numbers) or RULES.policies
    return replace(RULES, policies=policies, explicit_policy=explicit, **options)


EXPLICIT = among(explicit=True)
NO_MAPPING = among(inhibit_policy_mapping=True)

# Sections 4.8 to 4.12: with which inputs a message is judged, and how. Without any here, all will do.
INPUTS: dict[str, list[tuple[PathRules, bool]]] = {
    "AllCertificatesSamePolicyTest1": [
        (EXPLICIT, True),
        (among(1, explicit=True), True),
        (among(2, explicit=True), False),
        (among(1, 2, explicit=True), True),
    ],
    "AllCertificatesNoPoliciesTest2": [(RULES, True), (EXPLICIT, False)],
    "DifferentPoliciesTest3": [(RULES, True), (EXPLICIT, False), (among(1, 2, explicit=True), False)],
    "DifferentPoliciesTest4": [(RULES, False)],
    "DifferentPoliciesTest5": [(RULES, False)],
    "OverlappingPoliciesTest6": [(RULES, True), (among(1), True), (among(2), False)],
    "DifferentPoliciesTest7": [(RULES, False)],
    "DifferentPoliciesTest8": [(RULES, False)],
    "DifferentPoliciesTest9": [(RULES, False)],
    "AllCertificatesSamePoliciesTest10": [(RULES, True), (among(1), True), (among(2), True)],
    "AllCertificatesAnyPolicyTest11": [(RULES, True), (among(1), True)],
    "DifferentPoliciesTest12": [(RULES, False)],
    "AllCertificatesSamePoliciesTest13": [(among(1), True), (among(2), True), (among(3), True)],
    "AnyPolicyTest14": [(among(1), True), (among(2), False)],
    "UserNoticeQualifierTest15": [(RULES, True)],
    "UserNoticeQualifierTest16": [(RULES, True)],
    "UserNoticeQualifierTest17": [(RULES, True)],
    "UserNoticeQualifierTest18": [(among(1), True), (among(2), True)],
    "UserNoticeQualifierTest19": [(RULES, True)],
    "CPSPointerQualifierTest20": [(among(1, explicit=True), True)],
    "ValidPolicyMappingTest1": [(among(1), True), (among(2), False), (NO_MAPPING, False)],
    "InvalidPolicyMappingTest2": [(RULES, False), (NO_MAPPING, False)],
    "ValidPolicyMappingTest3": [(among(1), False), (among(2), True)],
    "ValidPolicyMappingTest5": [(among(1), True), (among(6), False)],
    "ValidPolicyMappingTest6": [(among(1), True), (among(6), False)],
    "ValidPolicyMappingTest12": [(among(1), True), (among(2), True)],
    "inhibitAnyPolicyTest3": [(RULES, True), (among(inhibit_any_policy=True), False)],
    "MissingCRLTest1": [(RULES, False)],
}

# Signatures that were altered so that they do not even consist of whole octets.
UNREADABLE = frozenset({"BadSignedCACert", "InvalidDSASignatureTest6EE"})


@pytest.fixture(scope="module")
def certificates() -> dict[str, Certificate]:
    found = {}
    for path in sorted((FOLDER / "certs").glob("*.crt")):
        if path.stem in UNREADABLE:
            with pytest.raises(CertificateError, match="whole octets"):
                Certificate.from_der(path.read_bytes())
        else:
            found[path.stem] = Certificate.from_der(path.read_bytes())
    return found


def inputs() -> Iterator[tuple[str, Path, PathRules, bool]]:
    for path in sorted((FOLDER / "smime").glob("*.eml")):
        name = path.stem.removeprefix("Signed")
        for rules, valid in INPUTS.get(name) or [(RULES, name.startswith("Valid"))]:
            yield name, path, rules, valid


async def test_pkits(certificates: dict[str, Certificate], figure: Callable[[str], None]) -> None:
    """Each message twice: with what it brings, and with all authorities and CRLs of the suite at hand."""
    root = certificates["TrustAnchorRootCertificate"]
    authorities = tuple(certificate for name, certificate in certificates.items() if not name.endswith("EE"))
    lists = tuple(path.read_bytes() for path in sorted((FOLDER / "crls").glob("*.crl")))
    judged, tests, differ = 0, set(), []
    for name, path, rules, valid in inputs():
        for more, further in (((), ()), (authorities, lists)):
            tests.add(name)
            judged += 1
            found, why = await judge(path, (*more,), (*further,), root, rules)
            if found is not valid:
                differ.append(f"{name} {sorted(rules.policies)}: {why}")
    figure(f"PKITS: {len(tests)} messages, {judged - len(differ)} of {judged} judgements as it says")
    assert not differ, "\n".join(differ)
    assert len(tests) == 224


async def judge(
    path: Path, authorities: tuple[Certificate, ...], lists: tuple[bytes, ...], root: Certificate, rules: PathRules
) -> tuple[bool, str]:
    """Whether a message is signed by somebody whose path is valid, and known not to be revoked."""
    content, signature = parse(path.read_bytes()).root.children
    signed = parse_signed_data(signature.content)
    (signer,) = signed.signers
    signed_octets = Content((to_crlf(content.octets),))
    found = verify_signer(signer, signed, signed_octets)
    if found.certificate is None:
        # The signature on this one was altered so that it does not consist of whole octets.
        assert path.stem == "SignedInvalidDSASignatureTest6"
        return False, found.sentence
    validator = PathValidator((*signed.certificates, *authorities), (root,), NOW, rules=rules)
    result = validator.validate(found.certificate)
    if found.outcome is Outcome.UNSUPPORTED and result.failure is None:
        # A key that takes its parameters from above can be used when the path is known.
        found.certificate.__dict__["public_key"] = working_keys(result.path)[0]
        found = verify_signer(signer, signed, signed_octets)
    assert found.outcome is Outcome.GOOD, (path, found.sentence)
    if result.failure is not None:
        return False, result.sentence
    checker = RevocationChecker(validator, lists=(*signed.crls, *lists), limits=RevocationLimits(lists=200))
    revocation = await checker.check(result)
    return revocation.status is RevocationStatus.GOOD, revocation.sentence
