"""A token signs, decrypts and agrees like a key in memory; SoftHSM stands for the token."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mailsec.crypto import (
    ECDSA_SHA256,
    ECDSA_SHA384,
    ED25519,
    RSA_PSS_SHA256,
    RSA_PSS_SHA512,
    RSA_SHA256,
    RSA_SHA512,
    KeyTransport,
    MemoryKeyRing,
    PrivateKey,
)
from mailsec.crypto.issue import Issued, issue
from mailsec.errors import InputError, KeyFileError, LockedError, UsageError
from mailsec.store.keys import JoinedKeyRing, Passwords
from mailsec.store.keys.tokens import TokenKeyRing

from .conftest import END, START

pytestmark = pytest.mark.peer

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
PIN = "123456"
KINDS = {"rsa": ("rsa", "P-256"), "p256": ("ec", "P-256"), "p384": ("ec", "P-384")}


@pytest.fixture(scope="module")
def held(
    authority: Issued, tmp_path_factory: pytest.TempPathFactory, figure: Callable[[str], None]
) -> dict[str, Issued]:
    """A token with three keys; gives them with their certificates."""
    pkcs11 = pytest.importorskip("pkcs11")
    program = shutil.which("softhsm2-util")
    if program is None or not MODULE.is_file():
        pytest.skip("the program softhsm2-util or its module is missing")
    folder = tmp_path_factory.mktemp("token")
    (folder / "tokens").mkdir()
    (folder / "conf").write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(folder / "conf")  # read once, when the module is loaded
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=60).stdout
    figure(f"peer: SoftHSM {version.strip()}")

    def run(*arguments: str) -> None:
        subprocess.run([program, *arguments], check=True, capture_output=True, timeout=60)

    run("--init-token", "--free", "--label", "mail", "--pin", PIN, "--so-pin", PIN)
    made: dict[str, Issued] = {}
    for number, (name, (kind, curve)) in enumerate(KINDS.items(), 1):
        key = PrivateKey.generate(kind, curve=curve)  # type: ignore[arg-type]
        made[name] = issue(authority, f"{name}@example.org", not_before=START, not_after=END, key=key)
        (folder / "key.pem").write_bytes(key.to_pem())
        if kind == "rsa":
            run(
                "--import",
                str(folder / "key.pem"),
                "--token",
                "mail",
                "--label",
                name,
                "--id",
                f"0{number}",
                "--pin",
                PIN,
            )
    library = pkcs11.lib(str(MODULE))
    token = library.get_token(token_label="mail")
    with token.open(rw=True, user_pin=PIN) as session:
        for number, name in ((2, "p256"), (3, "p384")):  # the program imports keys that may not derive
            from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

            plain = made[name].key._key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
            session.create_object(
                {
                    **pkcs11.util.ec.decode_ec_private_key(plain),
                    pkcs11.Attribute.TOKEN: True,
                    pkcs11.Attribute.SIGN: True,
                    pkcs11.Attribute.DERIVE: True,
                    pkcs11.Attribute.ID: bytes([number]),
                }
            )
        certificates = [(bytes([number]), one.certificate) for number, one in enumerate(made.values(), 1)]
        for id_, certificate in [*certificates, (b"\x09", authority.certificate)]:
            session.create_object(
                {
                    **pkcs11.util.x509.decode_x509_certificate(certificate.der),
                    pkcs11.Attribute.TOKEN: True,
                    pkcs11.Attribute.PRIVATE: False,
                    pkcs11.Attribute.ID: id_,
                }
            )
    return made


def ring(pin: str = PIN, asked: list[str] | None = None) -> TokenKeyRing:
    def ask(prompt: str) -> bytes:
        if asked is not None:
            asked.append(prompt)
        return pin.encode()

    return opened(TokenKeyRing(MODULE, Passwords("token", "the token (its PIN)", ask=ask)))


RINGS: list[TokenKeyRing] = []


def opened(tokens: TokenKeyRing) -> TokenKeyRing:
    RINGS.append(tokens)
    return tokens


@pytest.fixture(autouse=True)
def logged_out() -> Iterator[None]:
    """A program is logged in as a whole: what one test has opened would open it for the next."""
    yield
    while RINGS:
        RINGS.pop().close()


@pytest.fixture
def tokens(held: dict[str, Issued]) -> TokenKeyRing:
    return ring()


def test_identities_are_known_without_the_pin(held: dict[str, Issued]) -> None:
    asked: list[str] = []
    found = ring(asked=asked).identities()
    assert sorted(one.name for one in found) == ["p256@example.org", "p384@example.org", "rsa@example.org"]
    assert {one.certificates for one in found} == {issued.certificates for issued in held.values()}
    assert [one.key_type for one in ring(asked=asked).identities("RSA@example.org")] == ["rsa"]
    assert asked == []


@pytest.mark.parametrize(
    ("name", "scheme"),
    [
        ("rsa", RSA_SHA256),
        ("rsa", RSA_SHA512),
        ("rsa", RSA_PSS_SHA256),
        ("rsa", RSA_PSS_SHA512),
        ("p256", ECDSA_SHA256),
        ("p256", ECDSA_SHA384),
        ("p384", ECDSA_SHA384),
    ],
    ids=str,
)
def test_a_token_signs(name: str, scheme: Any, tokens: TokenKeyRing, held: dict[str, Issued]) -> None:
    (identity,) = tokens.identities(f"{name}@example.org")
    signature = tokens.sign(identity, scheme, b"octets")
    assert held[name].certificate.public_key.verify(signature, b"octets", scheme)
    assert not held[name].certificate.public_key.verify(signature, b"octetz", scheme)


@pytest.mark.parametrize("scheme", [KeyTransport(), KeyTransport("sha1")], ids=str)
def test_a_token_decrypts_a_key(scheme: KeyTransport, tokens: TokenKeyRing, held: dict[str, Issued]) -> None:
    """RFC 8551 section 2.3; whatever is wrong with the padding gives the same octets again (RFC 3218 section 2.3)."""
    (identity,) = tokens.identities("rsa@example.org")
    key = bytes(range(32))
    encrypted = held["rsa"].certificate.public_key.encrypt_key(key, scheme)
    assert tokens.decrypt_key(identity, scheme, encrypted, 32) == key
    for wrong in (encrypted[:-1] + bytes([encrypted[-1] ^ 1]), b"\0" * len(encrypted), b"short", b"\xff" * 256):
        first, second = (tokens.decrypt_key(identity, scheme, wrong, 32) for _ in range(2))
        assert (len(first), len(second), first == second) == (32, 32, True)
    other = tokens.decrypt_key(identity, scheme, encrypted, 16)
    assert (len(other), other == key[:16]) == (16, False)


def test_what_a_token_cannot_do_is_a_sentence(tokens: TokenKeyRing, held: dict[str, Issued]) -> None:
    (rsa,), (p256,) = tokens.identities("rsa@example.org"), tokens.identities("p256@example.org")
    encrypted = held["rsa"].certificate.public_key.encrypt_key(b"x" * 32, KeyTransport("sha256"))
    for action, words in (
        (lambda: tokens.decrypt_key(rsa, KeyTransport("sha256"), encrypted, 32), "cannot decrypt by RSAES-OAEP"),
        (lambda: tokens.decrypt_key(p256, KeyTransport(), encrypted, 32), "is no RSA key"),
        (lambda: tokens.sign(p256, RSA_SHA256, b""), "does not sign by rsa-sha256"),
        (lambda: tokens.sign(rsa, ED25519, b""), "does not sign by ed25519"),
        (lambda: tokens.agree(rsa, held["p256"].certificate.public_key), "not on the curve"),
        (lambda: tokens.agree(p256, held["p384"].certificate.public_key), "not on the curve"),
        (lambda: tokens.decapsulate(rsa, b""), "is no ML-KEM key"),
        (lambda: tokens.sign(MemoryKeyRing().add("x", PrivateKey.generate("ec")), ECDSA_SHA256, b""), "no token holds"),
    ):
        with pytest.raises(KeyFileError, match=words):
            action()


@pytest.mark.parametrize("name", ["p256", "p384"])
def test_a_token_agrees_on_a_secret(name: str, tokens: TokenKeyRing, held: dict[str, Issued]) -> None:
    (identity,) = tokens.identities(f"{name}@example.org")
    for _ in range(3):
        ephemeral = PrivateKey.generate("ec", curve=KINDS[name][1])
        assert tokens.agree(identity, ephemeral.public_key) == ephemeral.agree(held[name].certificate.public_key)


def test_the_pin_is_asked_once(held: dict[str, Issued]) -> None:
    asked: list[str] = []
    tokens = JoinedKeyRing([ring(asked=asked)])
    for name in ("rsa", "rsa", "p256"):
        (identity,) = tokens.identities(f"{name}@example.org")
        tokens.sign(identity, RSA_SHA256 if name == "rsa" else ECDSA_SHA256, b"")
    assert len(asked) == 1


def test_a_wrong_pin_is_not_tried_twice(held: dict[str, Issued], tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = f"echo asked >> {log}; echo 999999"
    tokens = TokenKeyRing(MODULE, Passwords("token", "the token", command=command))
    (identity,) = tokens.identities("rsa@example.org")
    with pytest.raises(KeyFileError, match=r"PIN of the token with the key of rsa@example\.org is wrong"):
        tokens.sign(identity, RSA_SHA256, b"")
    with pytest.raises(KeyFileError, match="it is not tried again") as caught:
        tokens.sign(identity, RSA_SHA256, b"")
    assert log.read_text() == "asked\n"
    assert "999999" not in str(caught.value)
    with pytest.raises(KeyFileError, match="is wrong"):
        ring("12").sign(identity, RSA_SHA256, b"")


def test_a_pin_that_somebody_gives_later(held: dict[str, Issued]) -> None:
    """Where nobody is asked, the key is locked; one that is typed is tried once, and after a wrong one the next."""
    pin = Passwords("token", "the token", word="PIN")
    tokens = TokenKeyRing(MODULE, pin)
    (identity,) = tokens.identities("rsa@example.org")
    with pytest.raises(LockedError, match="the PIN of the token is not known") as caught:
        tokens.sign(identity, RSA_SHA256, b"")
    assert (caught.value.secret, caught.value.key) == ("the PIN of the token", "rsa@example.org")
    pin.offer(b"999999")
    with pytest.raises(LockedError, match="is wrong"):
        tokens.sign(identity, RSA_SHA256, b"")
    with pytest.raises(LockedError, match="is wrong"):
        tokens.sign(identity, RSA_SHA256, b"")  # nothing was tried
    pin.offer(PIN.encode())
    assert tokens.sign(identity, RSA_SHA256, b"")


def test_a_module_that_is_none(held: dict[str, Issued], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="there is no PKCS#11 module"):
        TokenKeyRing(tmp_path / "module.so", Passwords("token", "it"))
    (tmp_path / "module.so").write_text("no library")
    with pytest.raises(InputError, match="cannot be loaded"):
        TokenKeyRing(tmp_path / "module.so", Passwords("token", "it"))
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(UsageError, match="need the Python package python-pkcs11"):
        TokenKeyRing(MODULE, Passwords("token", "it"))


async def test_the_configuration_names_modules(held: dict[str, Issued]) -> None:
    from mailsec.checker import Checker
    from mailsec.config import Settings

    settings = Settings(tokens=(MODULE,), pin_command=f"echo {PIN}")
    async with Checker(settings) as checker:
        (identity,) = checker.services.keys.identities("p256@example.org")
        signature = checker.services.keys.sign(identity, ECDSA_SHA256, b"x")
        RINGS.extend(one for one in checker.services.keys._rings() if isinstance(one, TokenKeyRing))  # type: ignore[attr-defined]
    assert held["p256"].certificate.public_key.verify(signature, b"x", ECDSA_SHA256)
