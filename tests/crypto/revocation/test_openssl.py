"""openssl as a peer: CRLs of `openssl ca` and answers of `openssl ocsp` judged by us; ours judged by it."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from mailsec.crypto import Certificate, PathValidator, PrivateKey
from mailsec.crypto.issue import Issued, issue, make_authority
from mailsec.crypto.revocation import OcspResponse, RevocationChecker, RevocationList, RevocationStatus
from mailsec.crypto.revocation.issue import Revoked, information_access, make_crl, make_ocsp_response, points
from mailsec.crypto.revocation.ocsp import make_request
from mailsec.net.fetcher import HttpFetcher
from mailsec.testing import make_resolver

pytestmark = pytest.mark.peer

OpenSSL = Callable[..., subprocess.CompletedProcess[bytes]]
NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
VALID: dict[str, Any] = {"not_before": NOW - 30 * DAY, "not_after": NOW + 30 * DAY}
CRL_URL = "http://crl.example/"

CONFIGURATION = """
[ca]
default_ca = own
[own]
database = {folder}/index.txt
crlnumber = {folder}/number
default_md = sha256
default_crl_days = 2
crl_extensions = extensions
[extensions]
authorityKeyIdentifier = keyid
"""


class Authority:
    """An authority in a folder, as openssl has it: what is revoked stands in index.txt."""

    def __init__(self, folder: Path, openssl: OpenSSL, keys: Callable[..., PrivateKey], url: str) -> None:
        self.folder, self._openssl = folder, openssl
        self.root = make_authority("Root", key=keys("rsa", 0), **VALID)
        self.responder = make_authority(
            "Responder", key=keys("rsa", 1), parent=self.root, is_ca=None, usage=["digitalSignature"],
            purposes=["OCSPSigning"], **VALID,
        )  # fmt: skip
        extra = [points(CRL_URL), information_access(ocsp_url=url)]
        self.leaves = {
            name: issue(self.root, f"{name}@example.org", key=keys("rsa", 2), extra=extra, **VALID)
            for name in ("good", "revoked", "held")
        }
        reasons = {"revoked": "superseded", "held": "certificateHold"}
        lines = []
        for name, leaf in self.leaves.items():
            at = f"{NOW - DAY:%y%m%d%H%M%SZ},{reasons[name]}" if name in reasons else ""
            end = f"{leaf.certificate.not_after:%y%m%d%H%M%SZ}"
            state = "R" if name in reasons else "V"
            lines.append(f"{state}\t{end}\t{at}\t{leaf.certificate.serial:X}\tunknown\t/CN={name}@example.org\n")
        (folder / "index.txt").write_text("".join(lines))
        (folder / "index.txt.attr").write_text("unique_subject = no\n")
        (folder / "number").write_text("01\n")
        (folder / "ca.cnf").write_text(CONFIGURATION.format(folder=folder))
        for name, made in (("ca", self.root), ("responder", self.responder), *self.leaves.items()):
            (folder / f"{name}.pem").write_bytes(made.certificate.to_pem())
            (folder / f"{name}.key").write_bytes(made.key.to_pem())

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def crl(self) -> bytes:
        arguments = ("-config", self.path("ca.cnf"), "-keyfile", self.path("ca.key"), "-cert", self.path("ca.pem"))
        self._openssl("ca", "-gencrl", *arguments, "-out", self.path("crl.pem"))
        return self._openssl("crl", "-in", self.path("crl.pem"), "-outform", "DER").stdout


@pytest.fixture(scope="module")
def port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture(scope="module")
def authority(
    tmp_path_factory: pytest.TempPathFactory,
    openssl: OpenSSL,
    keys: Callable[..., PrivateKey],
    figure: Callable[[str], None],
    port: int,
) -> Authority:
    figure(f"peer of CRLs and OCSP: {openssl('version').stdout.decode().strip()}")
    return Authority(tmp_path_factory.mktemp("ca"), openssl, keys, f"http://127.0.0.1:{port}")


async def judged(authority: Authority, leaf: Issued, fetcher: Any = None, **options: Any) -> RevocationStatus:
    validator = PathValidator([], [authority.root.certificate], NOW)
    result = validator.validate(leaf.certificate)
    assert result.failure is None, result.sentence
    return (await RevocationChecker(validator, fetcher, **options).check(result)).status


EXPECTED = {"good": RevocationStatus.GOOD, "revoked": RevocationStatus.REVOKED, "held": RevocationStatus.REVOKED}


async def test_its_lists(authority: Authority) -> None:
    octets = authority.crl()
    for name, expected in EXPECTED.items():
        assert await judged(authority, authority.leaves[name], lists=[octets]) is expected
    entry = RevocationList(octets).find(authority.leaves["held"].certificate)
    assert entry is not None
    assert (entry.reason, entry.at) == ("certificateHold", NOW - DAY)


@pytest.mark.parametrize("name", EXPECTED)
def test_our_lists(authority: Authority, openssl: OpenSSL, name: str) -> None:
    serials = {leaf: made.certificate.serial for leaf, made in authority.leaves.items()}
    entries = [Revoked(serials["revoked"], NOW - DAY, "superseded"), Revoked(serials["held"], NOW - DAY)]
    octets = make_crl(authority.root, entries, this_update=NOW - DAY, next_update=NOW + DAY)
    pem = openssl("crl", "-inform", "DER", stdin=octets).stdout
    (authority.folder / "ours.pem").write_bytes(pem)
    done = openssl(
        "verify", "-CAfile", authority.path("ca.pem"), "-CRLfile", authority.path("ours.pem"), "-crl_check",
        "-purpose", "smimesign", authority.path(f"{name}.pem"), check=False,
    )  # fmt: skip
    assert (done.returncode == 0) is (EXPECTED[name] is RevocationStatus.GOOD), done.stderr
    assert (b"certificate revoked" in done.stderr) is (EXPECTED[name] is RevocationStatus.REVOKED)


@pytest.mark.parametrize("signer", ["ca", "responder"])
def test_its_answers(authority: Authority, openssl: OpenSSL, signer: str) -> None:
    """Our request goes in, its answer comes out, both by the issuer itself and by a responder that it appointed."""
    root = authority.root.certificate
    for name, expected in EXPECTED.items():
        leaf = authority.leaves[name].certificate
        (authority.folder / "request").write_bytes(make_request(leaf, root, b"n" * 16))
        openssl(
            "ocsp", "-index", authority.path("index.txt"), "-CA", authority.path("ca.pem"),
            "-rsigner", authority.path(f"{signer}.pem"), "-rkey", authority.path(f"{signer}.key"),
            "-reqin", authority.path("request"), "-respout", authority.path("response"), "-ndays", "1",
        )  # fmt: skip
        response = OcspResponse((authority.folder / "response").read_bytes())
        answer = response.answer_for(leaf, root)
        assert answer is not None
        assert response.answers_nonce(b"n" * 16)
        responder, why = response.signer(root, root.public_key, PathValidator([], [], NOW).rules.algorithms)
        assert isinstance(responder, Certificate), why
        assert answer.status == ("good" if expected is RevocationStatus.GOOD else "revoked")


@pytest.mark.parametrize("name", EXPECTED)
def test_our_answers(authority: Authority, openssl: OpenSSL, name: str) -> None:
    leaf = authority.leaves[name]
    good = EXPECTED[name] is RevocationStatus.GOOD
    state: Any = "good" if good else Revoked(0, NOW - DAY, "superseded")
    response = make_ocsp_response(
        authority.responder, authority.root.certificate, [(leaf.certificate.serial, state)],
        this_update=NOW - timedelta(minutes=1), next_update=NOW + DAY, certificates=[authority.responder.certificate],
    )  # fmt: skip
    (authority.folder / "ours.response").write_bytes(response)
    done = openssl(
        "ocsp", "-respin", authority.path("ours.response"), "-CAfile", authority.path("ca.pem"),
        "-issuer", authority.path("ca.pem"), "-cert", authority.path(f"{name}.pem"), "-no_nonce",
    )  # fmt: skip
    assert b"Response verify OK" in done.stderr + done.stdout
    assert (b": good" if good else b": revoked") in done.stdout


@pytest.fixture
def responder(authority: Authority, port: int) -> Iterator[None]:
    command = [
        "openssl", "ocsp", "-port", str(port), "-index", authority.path("index.txt"), "-CA", authority.path("ca.pem"),
        "-rsigner", authority.path("responder.pem"), "-rkey", authority.path("responder.key"), "-ndays", "1",
    ]  # fmt: skip
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert server.stdout is not None
    try:
        # It serves one connection at a time, so it is not tried but told by its own words when it is ready.
        while (line := server.stdout.readline()) and not line.startswith(b"ACCEPT"):
            pass
        assert line, "openssl ocsp has ended"
        yield
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


async def test_its_responder(authority: Authority, responder: None) -> None:
    web = HttpFetcher(make_resolver(), allowed=[ip_network("127.0.0.0/8")])
    for name, expected in EXPECTED.items():
        assert await judged(authority, authority.leaves[name], web) is expected
