"""Each function with each algorithm in both directions, with `openssl cms`, `gpgsm` and, for what they cannot do,
asn1crypto with pure Python primitives as the other side. Each row is counted and shown after the run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms as asn1crypto_cms
from dilithium_py.ml_dsa import ML_DSA_44 as PEER_44
from dilithium_py.ml_dsa import ML_DSA_65 as PEER_65
from dilithium_py.ml_dsa import ML_DSA_87 as PEER_87
from nacl.signing import SigningKey, VerifyKey

from mailsec.crypto import (
    ECDSA_SHA256,
    ECDSA_SHA384,
    ECDSA_SHA512,
    ED448,
    ED25519,
    ML_DSA_44,
    ML_DSA_65,
    ML_DSA_87,
    RSA_PSS_SHA256,
    RSA_PSS_SHA384,
    RSA_PSS_SHA512,
    RSA_SHA256,
    RSA_SHA384,
    RSA_SHA512,
    Certificate,
    SignatureScheme,
)
from mailsec.crypto.cms import (
    Content,
    Outcome,
    add_signers,
    build_certificates_only,
    countersign,
    encode,
    oids,
    parse_receipt,
    parse_signed_data,
    receipt_request,
    verify_signer,
)

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
CONTENT = b"Content-Type: text/plain\r\n\r\nHello, world.\r\n" * 100
Cell = Callable[..., None]
OpenSSL = Callable[..., bytes]


class Row:
    """A row of the table: a function and an algorithm in one direction, with all its forms."""

    def __init__(self, cell: Cell, algorithm: str, peer: str, direction: str, function: str = "SignedData") -> None:
        self._count = partial(cell, function, algorithm, peer, direction)
        self._forms: list[str] = []

    def cell(self, form: str) -> None:
        self._forms.append(form)
        self._count(form)

    def show(self, expected: int) -> None:
        assert len(self._forms) == expected


def peer_name(openssl: OpenSSL) -> str:
    return " ".join(openssl("version").decode().split()[:2])


def written(kind: str, scheme: SignatureScheme) -> str:
    """An algorithm as it is named in the rows of the other direction."""
    if scheme.key_type == "rsa-pss":
        salt = "" if scheme.mgf_digest is None else f", salt of {scheme.salt_length}"
        return f"RSASSA-PSS with {sha(scheme.digest or '')}{salt}"
    name = "RSA PKCS #1 v1.5" if kind == "rsa" else f"ECDSA {CURVES.get(kind, kind)}"
    return f"{name} with {sha(scheme.digest or '')}"


def good(octets: bytes, certificate: Certificate | None, content: bytes = CONTENT) -> bool:
    """Whether each signer is good with the content and bad with another, and is named."""
    signed = parse_signed_data(octets)
    if signed.content is not None:
        assert b"".join(signed.content) == content
    for signer in signed.signers:
        result = verify_signer(signer, signed, Content((content,)))
        assert (result.outcome, result.sentence) == (Outcome.GOOD, "the signature is right")
        assert certificate is None or result.certificate == certificate
        wrong = verify_signer(signer, signed, Content((content + b"!",)))
        assert wrong.outcome in (Outcome.DIGEST, Outcome.SIGNATURE)
    return bool(signed.signers)


FORMS = {
    "detached": (),
    "encapsulated": ("-nodetach",),
    "streamed": ("-nodetach", "-stream"),
    "key identifier": ("-nodetach", "-keyid"),
    "no attributes": ("-nodetach", "-noattr"),
    "no capabilities": ("-nosmimecap",),
    "signing certificate": ("-nodetach", "-cades"),
}


def md(name: str) -> tuple[str, str]:
    return ("-md", name)


CURVES = {"p256": "P-256", "p384": "P-384", "p521": "P-521"}


def sha(name: str) -> str:
    """A digest as the standards name it."""
    return name.upper() if name.startswith("sha3-") else name.upper().replace("SHA", "SHA-")


PSS = ("-keyopt", "rsa_padding_mode:pss")
READ: list[tuple[str, str, tuple[str, ...]]] = [
    ("RSA PKCS #1 v1.5 with SHA-1", "rsa", md("sha1")),
    *((f"RSA PKCS #1 v1.5 with {sha(name)}", "rsa", md(name)) for name in ("sha224", "sha256", "sha384", "sha512")),
    *((f"RSASSA-PSS with {sha(name)}", "rsa", (*PSS, *md(name))) for name in ("sha1", "sha256", "sha384", "sha512")),
    ("RSASSA-PSS with SHA-256, salt of 20", "rsa", (*PSS, "-keyopt", "rsa_pss_saltlen:20")),
    ("RSASSA-PSS with SHA-512, the longest salt", "rsa", (*PSS, *md("sha512"), "-keyopt", "rsa_pss_saltlen:max")),
    ("RSASSA-PSS with SHA-256, mask by SHA-512", "rsa", (*PSS, "-keyopt", "rsa_mgf1_md:sha512")),
    *(
        (f"ECDSA {CURVES.get(curve, curve)} with {sha(name)}", curve, md(name))
        for curve, digests in {
            "p256": ("sha1", "sha256", "sha512"),
            "p384": ("sha384", "sha256"),
            "p521": ("sha512",),
            "brainpoolP256r1": ("sha256",),
            "brainpoolP384r1": ("sha384",),
            "brainpoolP512r1": ("sha512",),
        }.items()
        for name in digests
    ),
    *((f"DSA with {sha(name)}", "dsa", md(name)) for name in ("sha1", "sha256")),
    # With ECDSA and RSASSA-PSS, OpenSSL 3.0 fails to write SHA-3.
    *((f"RSA PKCS #1 v1.5 with {sha(name)}", "rsa", md(name)) for name in ("sha3-256", "sha3-384", "sha3-512")),
]


@pytest.mark.peer
@pytest.mark.parametrize(("name", "kind", "options"), READ, ids=[row[0] for row in READ])
def test_openssl_signs(
    openssl: OpenSSL, people: Any, cell: Cell, name: str, kind: str, options: tuple[str, ...]
) -> None:
    forms = dict(FORMS)
    if PSS[1] in options:
        del forms["streamed"]  # OpenSSL 3.0 itself fails to write that
    row = Row(cell, name, peer_name(openssl), "it signs, we verify")
    command = ("cms", "-sign", "-binary", "-outform", "DER", *people.files(kind), *options)
    for form, more in forms.items():
        assert good(openssl(*command, *more, stdin=CONTENT), people.certificate(kind)), form
        row.cell(form)
    bare = parse_signed_data(openssl(*command, "-nocerts", stdin=CONTENT))
    assert bare.certificates == ()
    (signer,) = bare.signers
    assert verify_signer(signer, bare, Content((CONTENT,))).outcome is Outcome.NO_CERTIFICATE
    known = (people.certificate(kind),)
    assert verify_signer(signer, bare, Content((CONTENT,)), known).outcome is Outcome.GOOD
    row.cell("no certificates")
    row.show(len(forms) + 1)


WRITTEN: list[tuple[str, SignatureScheme]] = [
    *(("rsa", scheme) for scheme in (RSA_SHA256, RSA_SHA384, RSA_SHA512)),
    *(("rsa", scheme) for scheme in (RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512)),
    ("rsa", SignatureScheme("rsa-pss", "sha256", 20, "sha512")),
    *(("rsa", SignatureScheme("rsa", name)) for name in ("sha3-256", "sha3-384", "sha3-512")),
    ("p256", ECDSA_SHA256),
    ("p384", ECDSA_SHA384),
    ("p521", ECDSA_SHA512),
    ("p384", SignatureScheme("ec", "sha3-384")),
    ("brainpoolP256r1", ECDSA_SHA256),
    ("brainpoolP384r1", ECDSA_SHA384),
    ("brainpoolP512r1", ECDSA_SHA512),
]


@pytest.mark.peer
@pytest.mark.parametrize(("kind", "scheme"), WRITTEN, ids=str)
def test_openssl_verifies(
    openssl: OpenSSL, people: Any, cell: Cell, tmp_path: Path, kind: str, scheme: SignatureScheme
) -> None:
    (tmp_path / "content").write_bytes(CONTENT)
    outside = ("-content", str(tmp_path / "content"))
    verify = ("cms", "-verify", "-binary", "-inform", "DER", "-CAfile", str(people.folder / "ca.pem"), "-cades")
    mask = f", mask by {sha(scheme.mgf_digest)}" if scheme.mgf_digest else ""
    row = Row(cell, f"{written(kind, scheme)}{mask}", peer_name(openssl), "we sign, it verifies")
    all_attributes = {"capabilities": ("aes256-gcm",), "encryption_certificate": people.certificate("p256")}
    for form, detached, options in (
        ("detached", True, {}),
        ("encapsulated", False, {}),
        ("key identifier", False, {"by_key_identifier": True}),
        ("all attributes", True, all_attributes),
    ):
        octets = people.sign(CONTENT, people.signer(kind, scheme, **options), detached=detached)
        assert openssl(*verify, *(outside if detached else ()), stdin=octets) == CONTENT, form
        assert good(octets, people.certificate(kind))
        row.cell(form)
    row.show(4)


@pytest.mark.peer
def test_openssl_with_several_signers(openssl: OpenSSL, people: Any, cell: Cell, tmp_path: Path) -> None:
    kinds = ("rsa", "p256", "brainpoolP384r1", "dsa")
    row = Row(cell, "several signers", peer_name(openssl), "in turn")
    sign = ("cms", "-sign", "-binary", "-outform", "DER", "-nodetach")
    octets = openssl(*sign, *(word for kind in kinds for word in people.files(kind)), stdin=CONTENT)
    assert len(parse_signed_data(octets).signers) == 4
    assert good(octets, None)
    row.cell("it signs by four, we verify")
    resign = ("cms", "-resign", "-binary", "-inform", "DER", "-outform", "DER", "-nodetach")
    octets = openssl(*resign, *people.files("p521"), stdin=octets)
    assert len(parse_signed_data(octets).signers) == 5
    assert good(octets, None)
    row.cell("it adds one")
    signer = people.signer("rsa", RSA_PSS_SHA256)
    octets = b"".join(add_signers(parse_signed_data(octets), (signer,), keys=people.keys, signing_time=NOW))
    assert good(octets, None)
    verify = ("cms", "-verify", "-binary", "-inform", "DER", "-CAfile", str(people.folder / "ca.pem"))
    assert openssl(*verify, stdin=octets) == CONTENT
    row.cell("we add one to those, it verifies")
    ours = people.sign(CONTENT, *(people.signer(kind, scheme) for kind, scheme in WRITTEN[:2] + WRITTEN[10:13]))
    assert openssl(*verify, stdin=ours) == CONTENT
    row.cell("we sign by five, it verifies")
    octets = openssl(*resign, *people.files("dsa"), stdin=ours)
    assert len(parse_signed_data(octets).signers) == 6
    assert good(octets, None)
    row.cell("it adds one to those")
    signed = parse_signed_data(ours)
    octets = b"".join(countersign(signed, 0, signer, keys=people.keys, signing_time=NOW))
    assert openssl(*verify, stdin=octets) == CONTENT
    row.cell("we countersign, it still verifies")
    row.show(6)


@pytest.mark.peer
def test_openssl_with_certificates_only(openssl: OpenSSL, people: Any, cell: Cell) -> None:
    row = Row(cell, "certificates only", peer_name(openssl), "both")
    certificates = {people.certificate(kind) for kind in ("rsa", "p256")}
    made = build_certificates_only(certificates)
    printed = openssl("pkcs7", "-inform", "DER", "-print_certs", "-noout", stdin=made)
    assert printed.count(b"subject=") == 2
    row.cell("we write, it reads")
    files = (word for kind in ("rsa", "p256") for word in ("-certfile", str(people.folder / f"{kind}.pem")))
    theirs = parse_signed_data(openssl("crl2pkcs7", "-nocrl", "-outform", "DER", *files))
    assert theirs.certificates_only
    assert set(theirs.certificates) == certificates
    row.cell("it writes, we read")
    row.show(2)


@pytest.mark.peer
def test_openssl_with_receipts(openssl: OpenSSL, people: Any, cell: Cell, tmp_path: Path) -> None:
    """RFC 2634 section 2."""
    row = Row(cell, "RSA and ECDSA", peer_name(openssl), "it asks and gives, we read both", "receipts")
    to = ("-receipt_request_to", "alice@example.org")
    requests = {
        "of all": ("-receipt_request_all",),
        "of the first tier": ("-receipt_request_first",),
        "of somebody": ("-receipt_request_from", "bob@example.org"),
    }
    for form, options in requests.items():
        sign = ("cms", "-sign", "-binary", "-outform", "DER", "-nodetach", *people.files("rsa"), *options, *to)
        octets = openssl(*sign, stdin=CONTENT)
        assert good(octets, people.certificate("rsa"))
        (signer,) = parse_signed_data(octets).signers
        request = receipt_request(signer)
        assert request is not None
        assert request.receipts_to == ("alice@example.org",)
        assert (request.tier, request.receipts_from) == {
            "of all": ("all", None),
            "of the first tier": ("first-tier", None),
            "of somebody": ("", ("bob@example.org",)),
        }[form]
        give = ("cms", "-sign_receipt", "-inform", "DER", "-outform", "DER", *people.files("p256"))
        given = openssl(*give, stdin=octets)
        signed = parse_signed_data(given)
        assert (signed.content_type, signed.content_type_name) == (oids.RECEIPT, "signed-receipt")
        assert signed.content is not None
        assert good(given, people.certificate("p256"), b"".join(signed.content))
        names = {attribute.name for attribute in signed.signers[0].signed_attributes or ()}
        assert "message signature digest" in names
        assert parse_receipt(signed).is_for(signer)
        row.cell(form)
    row.show(3)


@pytest.mark.peer
def test_gpgsm_signs(gpgsm: OpenSSL, people: Any, cell: Cell) -> None:
    """With RSA only: this version imports no other private keys."""
    row = Row(cell, "RSA PKCS #1 v1.5", "gpgsm 2.2", "it signs, we verify")
    for digest, form in (
        ("SHA1", "encapsulated"),
        ("SHA224", "detached"),
        ("SHA256", "detached"),
        ("SHA256", "encapsulated"),
        ("SHA384", "encapsulated"),
        ("SHA512", "detached"),
    ):
        options = ("--detach-sign",) if form == "detached" else ()
        user = ("--local-user", "rsa@example.org", "--digest-algo", digest, "--include-certs", "1")
        octets = gpgsm("--sign", *options, *user, stdin=CONTENT)
        assert good(octets, people.certificate("rsa"))
        row.cell(f"{digest} {form}")
    row.show(6)


@pytest.mark.peer
@pytest.mark.parametrize(
    ("kind", "scheme"),
    [
        ("rsa", RSA_SHA256),
        ("rsa", RSA_SHA384),
        ("rsa", RSA_SHA512),
        ("rsa", RSA_PSS_SHA256),
        ("rsa", RSA_PSS_SHA512),
        ("p256", ECDSA_SHA256),
        ("p384", ECDSA_SHA384),
        # No P-521: this version takes no ECDSA over 521 bits for right.
        ("brainpoolP256r1", ECDSA_SHA256),
        ("brainpoolP384r1", ECDSA_SHA384),
        ("brainpoolP512r1", ECDSA_SHA512),
    ],
    ids=str,
)
def test_gpgsm_verifies(
    gpgsm: OpenSSL, people: Any, cell: Cell, tmp_path: Path, kind: str, scheme: SignatureScheme
) -> None:
    row = Row(cell, written(kind, scheme), "gpgsm 2.2", "we sign, it verifies")
    (tmp_path / "content").write_bytes(CONTENT)
    for form, detached in (("detached", True), ("encapsulated", False)):
        (tmp_path / "signed").write_bytes(people.sign(CONTENT, people.signer(kind, scheme), detached=detached))
        said = gpgsm("--verify", str(tmp_path / "signed"), *((str(tmp_path / "content"),) if detached else ()))
        assert b"GOODSIG" in said
        assert b"TRUST_FULLY" in said
        row.cell(form)
    row.show(2)


# -- what neither of them can do -----------------------------------------------------------------------------------

ML_DSA = {"ml-dsa-44": (ML_DSA_44, PEER_44), "ml-dsa-65": (ML_DSA_65, PEER_65), "ml-dsa-87": (ML_DSA_87, PEER_87)}


def what_was_signed(octets: bytes) -> tuple[bytes, bytes]:
    """The signature and what it is over, as asn1crypto reads them (RFC 5652 section 5.4)."""
    (info,) = asn1crypto_cms.ContentInfo.load(octets, strict=True)["content"]["signer_infos"]
    return bytes(info["signature"]), bytes(info["signed_attrs"].untag().dump())


def composed(people: Any, kind: str, algorithm: bytes, digest: bytes, raw: Callable[[bytes], bytes]) -> bytes:
    """A SignedData that asn1crypto writes and a foreign primitive signs."""
    certificate = people.certificate(kind)
    attributes = asn1crypto_cms.CMSAttributes.load(encode.set_of(people.attributes(CONTENT, digest="sha512")))
    info = asn1crypto_cms.SignerInfo.load(
        encode.sequence(
            encode.integer(1),
            encode.sequence(certificate.issuer_der, encode.integer(certificate.serial)),
            digest,
            encode.set_of(people.attributes(CONTENT, digest="sha512"), 0x80),
            algorithm,
            encode.octet_string(raw(attributes.dump())),
        ),
        strict=True,
    )
    written = asn1crypto_cms.ContentInfo(
        {
            "content_type": "signed_data",
            "content": {
                "version": "v1",
                "digest_algorithms": [{"algorithm": "sha512"}],
                "encap_content_info": {"content_type": "data", "content": CONTENT},
                "certificates": [],
                "signer_infos": [info],
            },
        }
    )
    return bytes(written.dump())


@pytest.mark.parametrize("kind", ML_DSA)
def test_ml_dsa_beside_dilithium_py(people: Any, cell: Cell, kind: str) -> None:
    """RFC 9882; the certificate comes from elsewhere, since asn1crypto knows no such keys."""
    scheme, peer = ML_DSA[kind]
    names = f"dilithium-py {version('dilithium-py')}, asn1crypto"
    public = people.issued(kind).key.public_key.spki_der()[22:]
    row = Row(cell, kind.upper(), names, "both")
    for form, detached in (("we sign detached, they verify", True), ("we sign encapsulated, they verify", False)):
        signature, octets = what_was_signed(people.sign(CONTENT, people.signer(kind, scheme), detached=detached))
        assert peer.verify(public, octets, signature)
        assert not peer.verify(public, octets + b"!", signature)
        row.cell(form)
    seed = people.issued(kind).key._key.private_bytes_raw()
    their_public, their_private = peer.key_derive(seed)
    assert their_public == public
    digest = encode.sequence(encode.oid("2.16.840.1.101.3.4.2.3"))
    algorithm = parse_signed_data(people.sign(CONTENT, people.signer(kind, scheme))).signers[0].signature_algorithm.der
    octets = composed(people, kind, algorithm, digest, lambda octets: bytes(peer.sign(their_private, octets)))
    signed = parse_signed_data(octets)
    known = (people.certificate(kind),)
    assert verify_signer(signed.signers[0], signed, Content((CONTENT,)), known).outcome is Outcome.GOOD
    assert verify_signer(signed.signers[0], signed, Content((b"",)), known).outcome is Outcome.DIGEST
    row.cell("they sign, we verify")
    row.show(3)


def test_ed25519_beside_pynacl(people: Any, cell: Cell) -> None:
    """RFC 8419; OpenSSL 3.0 signs no CMS with Ed25519."""
    row = Row(cell, "Ed25519", f"PyNaCl {version('pynacl')}, asn1crypto", "both")
    public = VerifyKey(people.issued("ed25519").key.public_key.spki_der()[-32:])
    for form, detached in (("we sign detached, they verify", True), ("we sign encapsulated, they verify", False)):
        octets = people.sign(CONTENT, people.signer("ed25519", ED25519), detached=detached)
        signature, signed_octets = what_was_signed(octets)
        assert public.verify(signed_octets, signature) == signed_octets
        row.cell(form)
    private = SigningKey(people.issued("ed25519").key._key.private_bytes_raw())
    digest = encode.sequence(encode.oid("2.16.840.1.101.3.4.2.3"))
    algorithm = encode.sequence(encode.oid("1.3.101.112"))
    octets = composed(people, "ed25519", algorithm, digest, lambda octets: private.sign(octets).signature)
    signed = parse_signed_data(octets)
    known = (people.certificate("ed25519"),)
    assert verify_signer(signed.signers[0], signed, Content((CONTENT,)), known).outcome is Outcome.GOOD
    row.cell("they sign, we verify")
    row.show(3)


def test_ed448_beside_openssl(openssl: OpenSSL, people: Any, cell: Cell, tmp_path: Path) -> None:
    """RFC 8419; OpenSSL 3.0 has Ed448 and does not use it in CMS: `pkeyutl` signs and verifies the attributes."""
    row = Row(cell, "Ed448", f"{peer_name(openssl)} pkeyutl, asn1crypto", "both")
    key = people.issued("ed448").key
    (tmp_path / "key").write_bytes(key.to_pem())
    (tmp_path / "public").write_bytes(openssl("pkey", "-in", str(tmp_path / "key"), "-pubout"))
    for form, detached in (("we sign detached, they verify", True), ("we sign encapsulated, they verify", False)):
        signature, octets = what_was_signed(people.sign(CONTENT, people.signer("ed448", ED448), detached=detached))
        (tmp_path / "signature").write_bytes(signature)
        (tmp_path / "signed").write_bytes(octets)
        command = ("pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", str(tmp_path / "public"))
        files = ("-in", str(tmp_path / "signed"), "-sigfile", str(tmp_path / "signature"))
        assert b"Verified Successfully" in openssl(*command, *files)
        row.cell(form)
    digest = encode.sequence(encode.oid(oids.SHAKE256_LEN), encode.integer(512))
    algorithm = encode.sequence(encode.oid("1.3.101.113"))
    certificate = people.certificate("ed448")
    attributes = people.attributes(CONTENT, digest="shake256")
    (tmp_path / "signed").write_bytes(encode.set_of(attributes))
    command = ("pkeyutl", "-sign", "-rawin", "-inkey", str(tmp_path / "key"), "-in", str(tmp_path / "signed"))
    signature = openssl(*command)
    info = people.info(attributes, kind="ed448", digest=digest, algorithm=algorithm, signature=signature)
    assert good(people.data(info, content=CONTENT, certificates=(certificate.der,)), certificate)
    row.cell("they sign, we verify")
    row.show(3)
