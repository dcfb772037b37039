"""The key ring and the files that keys come in: what can be loaded, and the sentences for what cannot."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailsec.crypto import (
    ECDSA_SHA256,
    ED25519,
    RSA_SHA256,
    RSAES_PKCS1,
    KeyTransport,
    MemoryKeyRing,
    PrivateIdentity,
    PrivateKey,
    load_identities,
    load_identity,
)
from mailsec.crypto.issue import Issued, issue, make_authority
from mailsec.crypto.pem import encode_pem
from mailsec.errors import KeyFileError, UsageError
from mailsec.hooks import Identity, KeyRing

OpenSSL = Callable[..., "subprocess.CompletedProcess[bytes]"]
Keys = Callable[..., PrivateKey]
VALID: dict[str, Any] = {"not_before": datetime(2026, 1, 1, tzinfo=UTC), "not_after": datetime(2027, 1, 1, tzinfo=UTC)}
SECRET = b"a secret"


@pytest.fixture(scope="module")
def alice(keys: Keys) -> Issued:
    root = make_authority("Root", key=keys("ec"), **VALID)
    middle = make_authority("Middle", key=keys("ec", 1), parent=root, **VALID)
    return issue(middle, "alice@example.org", "a@example.org", key=keys("ec", 2), **VALID)


# -- files that can be loaded ------------------------------------------------------------------------------------


def test_forms(alice: Issued) -> None:
    expected = (alice.certificate, *alice.chain)
    shuffled = alice.chain[1].to_pem() + alice.key.to_pem() + alice.chain[0].to_pem() + alice.certificate.to_pem()
    for octets, password in (
        (alice.to_pem(), None),
        (alice.to_pem(), b"not needed"),
        (alice.to_pem(SECRET), SECRET),
        (alice.to_pkcs12(SECRET), SECRET),
        (alice.to_pkcs12(SECRET, old=True), SECRET),
        (shuffled, None),
    ):
        loaded = load_identity(octets, password)
        assert loaded.certificates == expected  # the own one first, then upwards
        assert loaded.key.public_key == alice.key.public_key


@pytest.mark.peer
@pytest.mark.parametrize("options", [[], ["-legacy"], ["-certpbe", "NONE"], ["-nomac"]], ids=str)
@pytest.mark.parametrize("password", [SECRET, b"", "grüß Gott".encode()])
def test_pkcs12_by_openssl(
    openssl: OpenSSL, alice: Issued, tmp_path: Path, *, options: list[str], password: bytes
) -> None:
    (tmp_path / "all").write_bytes(alice.to_pem())
    (tmp_path / "password").write_bytes(password + b"\n")
    arguments = ["pkcs12", "-export", "-in", str(tmp_path / "all"), "-passout", f"file:{tmp_path / 'password'}"]
    octets = openssl(*arguments, *options).stdout
    assert load_identity(octets, password or None).certificates == (alice.certificate, *alice.chain)


@pytest.mark.peer
@pytest.mark.parametrize(
    ("kind", "command"),
    [
        ("rsa", ["rsa", "-traditional"]),  # PKCS#1
        ("rsa", ["rsa", "-traditional", "-aes128", "-passout", "pass:a secret"]),
        ("ec", ["ec"]),  # SEC 1
        ("ec", ["ec", "-aes256", "-passout", "pass:a secret"]),
        ("rsa", ["pkcs8", "-topk8", "-nocrypt"]),
        ("rsa", ["pkcs8", "-topk8", "-v2", "aes-256-cbc", "-passout", "pass:a secret"]),
        ("rsa", ["pkcs8", "-topk8", "-scrypt", "-passout", "pass:a secret"]),
        ("rsa", ["pkcs8", "-topk8", "-v2", "des3", "-passout", "pass:a secret"]),
        ("ed25519", ["pkcs8", "-topk8", "-nocrypt"]),
    ],
)
def test_keys_by_openssl(keys: Keys, openssl: OpenSSL, kind: str, command: list[str]) -> None:
    """RFC 5958, RFC 8017 appendix A.1.2, RFC 5915, and the encrypted form of RFC 1421 that OpenSSL once wrote."""
    key = keys(kind)
    pem = openssl(*command, stdin=key.to_pem()).stdout
    assert PrivateKey.load(pem, SECRET).public_key == key.public_key
    encrypted = any("pass:" in word for word in command)
    if b"DEK-Info" not in pem:
        der = openssl(*command, "-outform", "DER", stdin=key.to_pem()).stdout
        assert load_identity(der, SECRET).key.public_key == key.public_key
    if encrypted:
        with pytest.raises(KeyFileError, match="no password was given"):
            PrivateKey.load(pem)
        with pytest.raises(KeyFileError, match="password is wrong"):
            PrivateKey.load(pem, b"another")


def test_several_keys_in_one_file(keys: Keys, alice: Issued) -> None:
    both = alice.to_pem() + keys("rsa").to_pem()
    first, second = load_identities(both)
    assert first.certificates
    assert not second.certificates
    with pytest.raises(KeyFileError, match="2 private keys"):
        load_identity(both)
    with pytest.raises(KeyFileError, match="2 private keys"):
        PrivateKey.load(both)
    with pytest.raises(KeyFileError, match="more than 16"):
        PrivateKey.load_all(17 * keys("ec").to_pem())


# -- files that cannot -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "password", "sentence"),
    [
        (lambda _: b"", None, "the file is empty"),
        (lambda _: b"hello\n", None, "no file with a private key"),
        (lambda _: bytes(1 << 21), None, "more than any with a key"),
        (lambda a: a.to_pkcs12(SECRET), None, "no password was given"),
        (lambda a: a.to_pkcs12(SECRET), b"another", "password of the PKCS#12 file is wrong"),
        (lambda a: a.to_pkcs12(SECRET)[:-100], SECRET, "cut off"),
        (lambda a: a.to_pkcs12(SECRET)[:3], SECRET, "cut off"),
        (lambda a: a.to_pem(SECRET), None, "encrypted and no password was given"),
        (lambda a: a.to_pem(SECRET), b"another", "password is wrong"),
        (lambda a: a.to_pem(SECRET), bytes(2000), "longer than 1024"),
        (lambda a: a.to_pem()[:100], None, "cut off: its END line is missing"),
        (lambda a: a.to_pem().replace(b"MIG", b"***"), None, "not base64"),
        (lambda a: a.certificate.to_pem(), None, "no private key in it"),
        (lambda a: a.certificate.der, None, "no private key in it"),
        (lambda a: a.key.to_pem() + a.chain[0].to_pem(), None, "none of the certificates in it belongs"),
        (lambda a: a.key.to_pem() + a.certificate.to_pem()[:99], None, "private key is there, but certificate 1"),
        (lambda _: encode_pem("PRIVATE KEY", b"\x30\x00"), None, "no private key in it, or a damaged one"),
        (lambda _: encode_pem("ENCRYPTED PRIVATE KEY", b"\x30\x00"), SECRET, "damaged"),
        (lambda _: encode_pem("OPENSSH PRIVATE KEY", b"\x30\x00"), None, "for SSH"),
        (lambda _: encode_pem("PUBLIC KEY", b"\x30\x00"), None, "no private key in it"),
    ],
)
def test_what_cannot_be_loaded(
    alice: Issued, make: Callable[[Issued], bytes], password: bytes | None, sentence: str
) -> None:
    with pytest.raises(KeyFileError, match=sentence) as error:
        load_identities(make(alice), password)
    assert error.value.__cause__ is None
    assert error.value.__suppress_context__ or error.value.__context__ is None
    assert not password or password.decode() not in str(error.value)


@pytest.mark.peer
def test_pkcs12_without_a_key(openssl: OpenSSL, alice: Issued) -> None:
    octets = openssl("pkcs12", "-export", "-nokeys", "-passout", "pass:x", stdin=alice.certificate.to_pem()).stdout
    with pytest.raises(KeyFileError, match="no private key in the PKCS#12 file"):
        load_identity(octets, b"x")


@given(st.binary(max_size=300))
def test_random_octets(octets: bytes) -> None:
    for start in (b"", b"\x30", b"\x30\x82\x01\x00\x02\x01\x03", b"-----BEGIN PRIVATE KEY-----"):
        with pytest.raises(KeyFileError):
            load_identities(start + octets, SECRET)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_mutated_files_never_break_anything(alice: Issued, data: st.DataObject) -> None:
    octets = bytearray(data.draw(st.sampled_from([alice.to_pem(), alice.to_pkcs12(SECRET), alice.to_pem(SECRET)])))
    for _ in range(data.draw(st.integers(1, 3))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    try:
        loaded = load_identities(bytes(octets), SECRET)
    except KeyFileError:
        return
    assert all(isinstance(identity, PrivateIdentity) for identity in loaded)


# -- the ring ----------------------------------------------------------------------------------------------------


def test_ring(alice: Issued) -> None:
    ring = MemoryKeyRing()
    protocol: KeyRing = ring
    first, second = ring.add_file(alice.to_pkcs12(SECRET), SECRET)
    assert (first.name, second.name) == ("alice@example.org", "a@example.org")
    assert first.certificates == (alice.certificate, *alice.chain)
    assert first.key_type == "ec"
    assert protocol.identities("ALICE@example.ORG") == (first,)
    assert protocol.identities() == (first, second)
    assert protocol.identities("bob@example.org") == ()
    signature = protocol.sign(first, ECDSA_SHA256, b"octets")
    assert ring.public_key(first).verify(signature, b"octets", ECDSA_SHA256)
    assert ring.add_file(alice.to_pem()) == (first, second)  # the same again adds nothing
    assert len(ring.identities()) == 2


def test_names(keys: Keys, alice: Issued) -> None:
    ring = MemoryKeyRing()
    (named,) = ring.add_file(alice.to_pem(), name="office@example.org")
    assert named.name == "office@example.org"
    with pytest.raises(KeyFileError, match="comes without a certificate"):
        ring.add_file(keys("rsa").to_pem())
    (dkim,) = ring.add_file(keys("rsa").to_pem(), name="s1._domainkey.example.org")
    assert dkim.certificates == ()
    nameless = issue(None, key=keys("ec", 3), **VALID)
    with pytest.raises(KeyFileError, match="no e-mail address"):
        ring.add_file(nameless.to_pem())
    assert [identity.name for identity in ring.identities()] == ["office@example.org", "s1._domainkey.example.org"]


def test_generated_keys() -> None:
    ring = MemoryKeyRing()
    identity = ring.generate("s._domainkey.example.org", "ed25519")
    assert ring.public_key(identity).verify(ring.sign(identity, ED25519, b"octets"), b"octets", ED25519)
    assert ring.public_key(ring.generate("r._domainkey.example.org", bits=1024)).bits == 1024
    assert ring.generate("e", "ec").key_type == "ec"
    with pytest.raises(UsageError):
        ring.generate("x", "rsa", bits=100)


def test_refusals(keys: Keys, alice: Issued) -> None:
    ring = MemoryKeyRing()
    stranger = Identity("alice@example.org", "rsa", handle="unknown")
    for use in (lambda: ring.sign(stranger, RSA_SHA256, b""), lambda: ring.public_key(stranger)):
        with pytest.raises(KeyFileError, match=r"does not hold the key of alice@example\.org"):
            use()
    with pytest.raises(KeyFileError, match="does not belong"):
        ring.add("alice@example.org", keys("rsa"), [alice.certificate])
    identity = ring.add("alice@example.org", keys("rsa"))
    with pytest.raises(KeyFileError, match="cannot sign by ed25519"):
        ring.sign(identity, ED25519, b"")


def test_light_imports() -> None:
    """Who verifies DKIM loads no X.509, and who only names the backend loads nothing of it."""
    code = (
        "import sys, mailsec.crypto; print(sum('cryptography' in name for name in sys.modules));"
        "mailsec.crypto.PublicKey; print('cryptography.x509' in sys.modules);"
        "mailsec.crypto.validate_path; mailsec.crypto.MemoryKeyRing(); print('cryptography.x509' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60)
    assert done.stdout.split() == [b"0", b"False", b"False"]


def test_secrets_stay_inside(keys: Keys, alice: Issued) -> None:
    ring = MemoryKeyRing()
    ring.add_file(alice.to_pem())
    assert repr(ring) == "<MemoryKeyRing of 2 identities>"
    identity = PrivateIdentity(keys("rsa"))
    assert "PrivateKey rsa" in repr(identity)
    for holder in (ring, identity, alice):
        for leak in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="cannot be pickled"):
                leak(holder)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("ec", {"curve": "P-256"}),
        ("ec", {"curve": "P-521"}),
        ("ec", {"curve": "brainpoolP384r1"}),
        ("x25519", {}),
        ("x448", {}),
    ],
)
def test_agreement(keys: Keys, kind: str, options: Any) -> None:
    """Both sides come to the same secret (RFC 5753, RFC 8418), which has the size of the curve's field."""
    ring = MemoryKeyRing()
    ours, theirs = keys(kind, 0, **options), keys(kind, 1, **options)
    identity = ring.add("alice@example.org", ours)
    secret = ring.agree(identity, theirs.public_key)
    assert secret == theirs.agree(ours.public_key)
    assert len(secret) == (ours.public_key.bits + 7) // 8


@pytest.mark.parametrize(("kind", "octets"), [("x25519", 32), ("x448", 56)])
def test_no_secret_comes_of_a_point_of_low_order(keys: Keys, kind: str, octets: int) -> None:
    """RFC 7748 section 6: nothing that the other side could foresee."""
    peer = keys(kind).public_key
    spki = peer.spki_der()[:-octets] + bytes(octets)
    low = type(peer).from_spki_der(spki)
    found = {keys(kind).agree(low) for _ in range(4)}
    assert len(found) == 4
    assert {len(secret) for secret in found} == {octets}


@pytest.mark.parametrize("kind", ["ml-kem-768", "ml-kem-1024"])
def test_encapsulation(keys: Keys, kind: str) -> None:
    """FIPS 203: a wrong ciphertext gives a secret too, but another one."""
    key = PrivateKey.load(keys(kind).to_pem())
    assert key.public_key == keys(kind).public_key
    assert (key.key_type, key.public_key.key_type, repr(key.public_key)) == (
        kind,
        kind,
        f"<PublicKey {kind} {kind[7:]} bits>",
    )
    ring = MemoryKeyRing()
    identity = ring.add("alice@example.org", key)
    secret, ciphertext = key.public_key.encapsulate()
    assert ring.decapsulate(identity, ciphertext) == secret
    for wrong in (ciphertext[::-1], ciphertext[1:], b""):
        found = ring.decapsulate(identity, wrong)
        assert len(found) == 32
        assert found != secret
    assert pickle.loads(pickle.dumps(key.public_key)) == key.public_key


def test_operations_that_a_key_does_not_have(keys: Keys) -> None:
    """An error only where the ring lacks the key or the key is of another kind, never for what it is given."""
    ring = MemoryKeyRing()
    rsa, ec = ring.add("r", keys("rsa")), ring.add("e", keys("ec"))
    for use in (
        lambda: ring.decrypt_key(ec, RSAES_PKCS1, b"", 16),
        lambda: ring.agree(rsa, keys("ec").public_key),
        lambda: ring.agree(ec, keys("rsa").public_key),
        lambda: ring.agree(ec, keys("ec", 0, curve="P-384").public_key),
        lambda: ring.decapsulate(rsa, b""),
        lambda: ring.decrypt_key(Identity("x", "rsa", handle="unknown"), RSAES_PKCS1, b"", 16),
        lambda: keys("ec").public_key.encrypt_key(b"key", RSAES_PKCS1),
        keys("rsa").public_key.encapsulate,
        lambda: keys("rsa", 0, bits=1024).public_key.encrypt_key(bytes(32), KeyTransport("sha512")),
    ):
        with pytest.raises(KeyFileError):
            use()
    with pytest.raises(UsageError, match="no plain octets"):
        keys("rsa").public_key.raw()
