from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gnupg import import_key
from mailsec.crypto import RSA_SHA256, Certificate, Identity, MemoryKeyRing, PrivateKey, SignatureScheme, new_digest
from mailsec.crypto.cms import (
    Content,
    NewSigner,
    SignerVerification,
    encode,
    oids,
    parse_signed_data,
    sign,
    verify_signer,
)
from mailsec.crypto.cms.tlv import context
from mailsec.crypto.issue import Issued, issue, make_authority
from mailsec.crypto.private import KeyKind

OpenSSL = Callable[..., bytes]
SHA256 = encode.sequence(encode.oid("2.16.840.1.101.3.4.2.1"))
RSA_ENCRYPTION = encode.sequence(encode.oid(oids.RSA), encode.NULL)


@pytest.fixture(scope="session")
def openssl(figure: Callable[[str], None]) -> OpenSSL:
    """Runs `openssl` with arguments and standard input, and shows its version."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("the program openssl is missing")

    def run(*arguments: str, stdin: bytes = b"") -> bytes:
        done = subprocess.run([program, *arguments], input=stdin, capture_output=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    figure(f"peer: {run('version').decode().strip()}")
    return run


@pytest.fixture(scope="session")
def conformance() -> Path:
    """The folder of conformance data (see the contributor's guide); tests that want it are skipped without."""
    default = Path(__file__).parents[3].parent / "shared" / "conformance"
    folder = Path(os.environ.get("MAILSEC_CONFORMANCE", default))
    if not folder.is_dir():
        pytest.skip("the conformance data is missing: set MAILSEC_CONFORMANCE")
    return folder


START = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2056, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
KINDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "rsa": ("rsa", {}),
    "p256": ("ec", {"curve": "P-256"}),
    "p384": ("ec", {"curve": "P-384"}),
    "p521": ("ec", {"curve": "P-521"}),
    "brainpoolP256r1": ("ec", {"curve": "brainpoolP256r1"}),
    "brainpoolP384r1": ("ec", {"curve": "brainpoolP384r1"}),
    "brainpoolP512r1": ("ec", {"curve": "brainpoolP512r1"}),
    "dsa": ("dsa", {"bits": 2048}),
    "ed25519": ("ed25519", {}),
    "ed448": ("ed448", {}),
    "ml-dsa-44": ("ml-dsa-44", {}),
    "ml-dsa-65": ("ml-dsa-65", {}),
    "ml-dsa-87": ("ml-dsa-87", {}),
}


class People:
    """An authority, and for each kind of key somebody whom it certifies; what they sign, rightly or by craft."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = make_authority("Test Authority", not_before=START, not_after=END)
        self.keys = MemoryKeyRing()
        self._issued: dict[str, Issued] = {}
        (folder / "ca.pem").write_bytes(self.authority.certificate.to_pem())

    def issued(self, kind: str) -> Issued:
        """Somebody's key and certificates, made when first asked for; their files lie in `folder`."""
        if kind not in self._issued:
            key_type, options = KINDS[kind]
            key = PrivateKey.generate(key_type, **options)
            name = f"{kind}@example.org"
            issued = issue(self.authority, name, not_before=START, not_after=END, key=key, subject=kind)
            self._issued[kind] = issued
            (self.folder / f"{kind}.pem").write_bytes(issued.certificate.to_pem())
            (self.folder / f"{kind}.key").write_bytes(issued.key.to_pem())
        return self._issued[kind]

    def identity(self, kind: str) -> Identity:
        issued = self.issued(kind)
        return self.keys.add(f"{kind}@example.org", issued.key, issued.certificates)

    def certificate(self, kind: str) -> Certificate:
        return self.issued(kind).certificate

    def files(self, kind: str) -> tuple[str, ...]:
        """The options with which `openssl cms` signs as somebody."""
        self.issued(kind)
        return ("-signer", str(self.folder / f"{kind}.pem"), "-inkey", str(self.folder / f"{kind}.key"))

    def signer(self, kind: str, scheme: SignatureScheme, **options: Any) -> NewSigner:
        return NewSigner(self.identity(kind), scheme, **options)

    def sign(self, content: bytes, *signers: NewSigner, detached: bool = False, **options: Any) -> bytes:
        if not signers:
            signers = (self.signer("rsa", RSA_SHA256),)
        made = sign(Content((content,)), signers, detached=detached, keys=self.keys, signing_time=NOW, **options)
        return b"".join(made)

    @staticmethod
    def attribute(oid: str, *values: bytes) -> bytes:
        return encode.sequence(encode.oid(oid), encode.set_of(values))

    def attributes(self, content: bytes, *more: bytes, digest: str = "sha256", kind: str = oids.DATA) -> list[bytes]:
        """The signed attributes that must be there, and more."""
        made = new_digest(digest)
        made.update(content)
        return [
            self.attribute(oids.CONTENT_TYPE, encode.oid(kind)),
            self.attribute(oids.MESSAGE_DIGEST, encode.octet_string(made.digest())),
            *more,
        ]

    def info(
        self,
        attributes: list[bytes] | None,
        content: bytes = b"",
        *,
        kind: str = "rsa",
        scheme: SignatureScheme = RSA_SHA256,
        digest: bytes = SHA256,
        algorithm: bytes = RSA_ENCRYPTION,
        sid: bytes | None = None,
        unsigned: list[bytes] | None = None,
        signature: bytes | None = None,
    ) -> bytes:
        """A SignerInfo exactly as told, its signature right for what it says unless one is given."""
        certificate = self.certificate(kind)
        if sid is None:
            sid = encode.sequence(certificate.issuer_der, encode.integer(certificate.serial))
        if signature is None:
            octets = content if attributes is None else encode.set_of(attributes)
            signature = self.issued(kind).key.sign(octets, scheme)
        return encode.sequence(
            encode.integer(1),
            sid,
            digest,
            b"" if attributes is None else encode.set_of(attributes, context(0)),
            algorithm,
            encode.octet_string(signature),
            b"" if unsigned is None else encode.set_of(unsigned, context(1)),
        )

    def data(
        self,
        *infos: bytes,
        content: bytes | None,
        kind: str = oids.DATA,
        certificates: tuple[bytes, ...] | None = None,
    ) -> bytes:
        """A ContentInfo with a SignedData exactly as told; by default with all certificates made so far."""
        if certificates is None:
            certificates = tuple(one.certificate.der for one in self._issued.values())
        inner = b"" if content is None else encode.constructed(context(0), encode.octet_string(content))
        signed = encode.sequence(
            encode.integer(1),
            encode.set_of(()),
            encode.sequence(encode.oid(kind), inner),
            encode.constructed(context(0), *certificates),
            encode.constructed(0x11, *infos),
        )
        return encode.sequence(encode.oid(oids.SIGNED_DATA), encode.constructed(context(0), signed))

    def verify(self, octets: bytes, content: bytes | None = None) -> list[SignerVerification]:
        """What comes of each signer; of the encapsulated content unless one is given."""
        signed = parse_signed_data(octets)
        pieces = signed.content if content is None else (content,)
        assert pieces is not None
        whole = Content(pieces)
        return [verify_signer(signer, signed, whole) for signer in signed.signers]


@pytest.fixture(scope="session")
def pki(openssl: OpenSSL, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority and, for each kind of key, `KIND.pem` (certificate) and `KIND.key`."""
    folder = tmp_path_factory.mktemp("pki")
    (folder / "leaf.cnf").write_text(
        "keyUsage=critical,digitalSignature\nextendedKeyUsage=emailProtection\nsubjectAltName=email:alice@example.org\n"
        "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    )
    ca = ("-newkey", "rsa:2048", "-nodes", "-subj", "/CN=Test CA", "-days", "30")
    openssl("req", "-x509", *ca, "-keyout", str(folder / "ca.key"), "-out", str(folder / "ca.pem"))
    kinds = {
        "rsa": ("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
        "p256": ("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
        "p384": ("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"),
        "p521": ("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"),
        "brainpool": ("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:brainpoolP256r1"),
        "ed25519": ("genpkey", "-algorithm", "ED25519"),
        "ed448": ("genpkey", "-algorithm", "ED448"),
    }
    for kind, command in kinds.items():
        (folder / f"{kind}.key").write_bytes(openssl(*command))
    parameters = openssl("genpkey", "-genparam", "-algorithm", "DSA", "-pkeyopt", "dsa_paramgen_bits:2048")
    (folder / "dsa.param").write_bytes(parameters)
    (folder / "dsa.key").write_bytes(openssl("genpkey", "-paramfile", str(folder / "dsa.param")))
    for serial, kind in enumerate([*kinds, "dsa"], start=100):
        request = openssl("req", "-new", "-key", str(folder / f"{kind}.key"), "-subj", f"/CN=Alice {kind}")
        issuer = ("-CA", str(folder / "ca.pem"), "-CAkey", str(folder / "ca.key"), "-set_serial", str(serial))
        options = ("-days", "20", "-extfile", str(folder / "leaf.cnf"))
        (folder / f"{kind}.pem").write_bytes(openssl("x509", "-req", *issuer, *options, stdin=request))
    return folder


@dataclass(frozen=True)
class Recipients:
    """Somebody with a key of each kind. `folder` has `KIND.pem` and `KIND.key` for programs."""

    ring: MemoryKeyRing
    certificates: dict[str, Certificate]
    folder: Path

    def identity(self, kind: str) -> Identity:
        (found,) = self.ring.identities(f"{kind}@example.org")
        return found

    def issued(self, kind: str) -> tuple[str, str]:
        return str(self.folder / f"{kind}.pem"), str(self.folder / f"{kind}.key")


_KINDS: dict[str, tuple[KeyKind, str]] = {
    "rsa": ("rsa", ""),
    "rsa-too": ("rsa", ""),
    "p256": ("ec", "P-256"),
    "p384": ("ec", "P-384"),
    "p521": ("ec", "P-521"),
    "brainpool": ("ec", "brainpoolP256r1"),
    "x25519": ("x25519", ""),
    "x448": ("x448", ""),
    "ml-kem-768": ("ml-kem-768", ""),
    "ml-kem-1024": ("ml-kem-1024", ""),
}


@pytest.fixture(scope="session")
def recipients(tmp_path_factory: pytest.TempPathFactory) -> Recipients:
    """Recipients with keys of all kinds, made on the spot."""
    folder = tmp_path_factory.mktemp("recipients")
    start = datetime.now(UTC) - timedelta(days=1)
    end = start + timedelta(days=30)
    authority = make_authority("Test Authority", not_before=start, not_after=end)
    (folder / "ca.der").write_bytes(authority.certificate.der)
    ring, certificates = MemoryKeyRing(), {}
    for kind, (key_type, curve) in _KINDS.items():
        key = PrivateKey.generate(key_type, curve=curve) if curve else PrivateKey.generate(key_type)
        usage = ("keyAgreement",) if key_type in {"ec", "x25519", "x448"} else ("keyEncipherment",)
        issued = issue(authority, f"{kind}@example.org", not_before=start, not_after=end, key=key, usage=usage)
        ring.add(f"{kind}@example.org", key, issued.certificates)
        certificates[kind] = issued.certificates[0]
        (folder / f"{kind}.pem").write_bytes(issued.certificate.to_pem())
        (folder / f"{kind}.key").write_bytes(key.to_pem())
    return Recipients(ring, certificates, folder)


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> People:
    return People(tmp_path_factory.mktemp("people"))


@pytest.fixture(scope="session")
def gpgsm(people: People, tmp_path_factory: pytest.TempPathFactory, figure: Callable[[str], None]) -> Iterator[OpenSSL]:
    """Runs `gpgsm` in a home of its own that trusts the test authority and has the key of "rsa"."""
    if any(shutil.which(program) is None for program in ("gpgsm", "gpg-agent", "gpgconf")):
        pytest.skip("the programs gpgsm and gpg-agent are missing")
    home = tmp_path_factory.mktemp("g")
    home.chmod(0o700)
    environment = {**os.environ, "GNUPGHOME": str(home), "LC_ALL": "C"}
    fingerprint = hashlib.sha1(people.authority.certificate.der, usedforsecurity=False).hexdigest().upper()
    (home / "trustlist.txt").write_text(f"{fingerprint} S relax\n")
    (home / "gpgsm.conf").write_text("disable-crl-checks\ndisable-dirmngr\n")
    (home / "gpg-agent.conf").write_text("allow-loopback-pinentry\nno-allow-external-cache\n")

    def run(*arguments: str, stdin: bytes = b"") -> bytes:
        # The agent asks for passphrases through a pipe of their own: standard input is for the content.
        reader, writer = os.pipe()
        os.write(writer, b"x\n")
        os.close(writer)
        loopback = ("--pinentry-mode", "loopback", "--passphrase-fd", str(reader))
        try:
            done = subprocess.run(
                ["gpgsm", "--batch", "--yes", "--status-fd", "2", *loopback, *arguments],
                input=stdin,
                capture_output=True,
                check=False,
                env=environment,
                timeout=60,
                pass_fds=(reader,),
            )
        finally:
            os.close(reader)
        said = done.stderr.decode(errors="replace")
        assert done.returncode == 0, said
        return done.stdout if "--sign" in arguments else done.stderr

    version = subprocess.run(["gpgsm", "--version"], capture_output=True, check=True, timeout=60).stdout
    figure(f"peer: {version.decode().splitlines()[0]}")
    run("--import", stdin=people.authority.certificate.to_pem())
    import_key(run, lambda: people.issued("rsa").to_pkcs12(b"x", old=True))
    yield run
    subprocess.run(["gpgconf", "--kill", "all"], env=environment, check=False, timeout=60)
