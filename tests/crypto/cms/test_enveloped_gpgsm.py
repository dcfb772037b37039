"""What `gpgsm` encrypts is decrypted, and what we encrypt `gpgsm` decrypts.

GnuPG 2.2.40 takes RSA with PKCS #1 v1.5 and CBC; it does not decrypt OAEP and GCM, and fails to import keys on
elliptic curves.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gnupg import import_key
from mailsec.crypto import Certificate, PrivateKey
from mailsec.crypto.cms import CertificateRecipient, decrypt, encrypt, parse_enveloped_data

pytestmark = pytest.mark.peer

CONTENT = b"Content-Type: text/plain\r\n\r\nHello, world.\r\n" * 3000
GpgSM = Callable[..., bytes]


@pytest.fixture(scope="module")
def gpgsm(recipients: Any, tmp_path_factory: pytest.TempPathFactory, figure: Callable[[str], None]) -> Iterator[GpgSM]:
    """Runs `gpgsm` in a home of its own that trusts the test authority and has the RSA key."""
    program = shutil.which("gpgsm")
    if program is None or shutil.which("gpg-agent") is None or shutil.which("gpgconf") is None:
        pytest.skip("the programs gpgsm and gpg-agent are missing")
    home: Path = tmp_path_factory.mktemp("g")
    home.chmod(0o700)
    environment = {**os.environ, "GNUPGHOME": str(home), "LC_ALL": "C"}
    authority = (recipients.folder / "ca.der").read_bytes()
    (home / "trustlist.txt").write_text(f"{hashlib.sha1(authority).hexdigest().upper()} S relax\n")
    (home / "gpgsm.conf").write_text("disable-crl-checks\ndisable-dirmngr\n")
    (home / "gpg-agent.conf").write_text("allow-loopback-pinentry\nno-allow-external-cache\n")

    def run(*arguments: str, stdin: bytes = b"") -> bytes:
        # The agent asks for passphrases through a pipe of their own: standard input is for the content.
        reader, writer = os.pipe()
        os.write(writer, b"x\n")
        os.close(writer)
        options = ("--batch", "--yes", "--pinentry-mode", "loopback", "--passphrase-fd", str(reader))
        try:
            done = subprocess.run(
                [program, *options, *arguments],
                input=stdin,
                capture_output=True,
                check=False,
                env=environment,
                timeout=60,
                pass_fds=(reader,),
            )
        finally:
            os.close(reader)
        assert done.returncode == 0, (arguments, done.stderr.decode())
        return done.stdout

    try:
        figure(f"peer: {run('--version').decode().splitlines()[0]}")
        run("--import", str(recipients.folder / "ca.der"))
        key = PrivateKey.load((recipients.folder / "rsa.key").read_bytes())
        certificate = Certificate.from_pem((recipients.folder / "rsa.pem").read_bytes())
        import_key(run, lambda: key.to_pkcs12([certificate], b"x", old=True))
        yield run
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False, timeout=60)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("AES128", "aes128-cbc"), ("AES192", "aes192-cbc"), ("AES256", "aes256-cbc"), ("3DES", "des-ede3-cbc")],
)
def test_gpgsm_encrypts(gpgsm: GpgSM, recipients: Any, cell: Callable[..., None], theirs: str, ours: str) -> None:
    octets = gpgsm("--encrypt", "--recipient", "rsa@example.org", "--cipher-algo", theirs, stdin=CONTENT)
    content, decryption = decrypt(parse_enveloped_data(octets), recipients.ring)
    assert (bytes(content), decryption.cipher) == (CONTENT, ours)
    cell("EnvelopedData", "RSA, PKCS #1 v1.5", "gpgsm 2.2", "it encrypts, we decrypt", ours)


@pytest.mark.parametrize("cipher", ["aes128-cbc", "aes192-cbc", "aes256-cbc"])
@pytest.mark.parametrize("others", [(), ("p256", "x25519", "ml-kem-768")], ids=["alone", "among others"])
def test_gpgsm_decrypts(
    gpgsm: GpgSM, recipients: Any, cell: Callable[..., None], cipher: str, others: tuple[str, ...]
) -> None:
    everybody = [CertificateRecipient(recipients.certificates[kind]) for kind in ("rsa", *others)]
    assert gpgsm("--decrypt", stdin=b"".join(encrypt([CONTENT], everybody, cipher=cipher))) == CONTENT
    name = "several recipients" if others else "RSA, PKCS #1 v1.5"
    cell("EnvelopedData", name, "gpgsm 2.2", "we encrypt, it decrypts", cipher)
