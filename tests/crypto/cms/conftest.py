from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailsec.crypto import Certificate, Identity, MemoryKeyRing, PrivateKey
from mailsec.crypto.issue import issue, make_authority
from mailsec.crypto.private import KeyKind

OpenSSL = Callable[..., bytes]


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
