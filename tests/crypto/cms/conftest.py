from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

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
