"""Public and private keys: loading, verifying and signing, with openssl as the other side."""

from __future__ import annotations

import copy
import hashlib
import pickle
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailsec.crypto import (
    DIGEST_SIZES,
    ECDSA_SHA256,
    ECDSA_SHA384,
    ECDSA_SHA512,
    ED448,
    ED25519,
    RSA_PSS_SHA256,
    RSA_PSS_SHA384,
    RSA_PSS_SHA512,
    RSA_SHA1,
    RSA_SHA256,
    RSA_SHA384,
    RSA_SHA512,
    PrivateKey,
    PublicKey,
    SignatureScheme,
    new_digest,
    scheme_of,
)
from mailsec.crypto.cms import encode
from mailsec.crypto.pem import encode_pem
from mailsec.errors import KeyFileError, UsageError

OpenSSL = Callable[..., "subprocess.CompletedProcess[bytes]"]
Keys = Callable[..., PrivateKey]

DSA_SHA256 = SignatureScheme("dsa", "sha256")
PAIRS: list[tuple[str, dict[str, Any], SignatureScheme]] = [
    *(("rsa", {}, scheme) for scheme in (RSA_SHA1, RSA_SHA256, RSA_SHA384, RSA_SHA512)),
    *(("rsa", {}, scheme) for scheme in (RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512)),
    ("rsa", {}, SignatureScheme("rsa", "sha3-256")),
    ("rsa", {}, SignatureScheme("rsa-pss", "sha256", 0, "sha512")),
    ("rsa", {}, SignatureScheme("rsa-pss", "sha256")),
    ("ec", {"curve": "P-256"}, ECDSA_SHA256),
    ("ec", {"curve": "P-384"}, ECDSA_SHA384),
    ("ec", {"curve": "P-521"}, ECDSA_SHA512),
    ("ec", {"curve": "P-521"}, SignatureScheme("ec", "sha3-512")),
    ("ec", {"curve": "brainpoolP256r1"}, ECDSA_SHA256),
    ("ec", {"curve": "brainpoolP384r1"}, ECDSA_SHA384),
    ("ec", {"curve": "brainpoolP512r1"}, ECDSA_SHA512),
    ("dsa", {"bits": 2048}, DSA_SHA256),
    ("ed25519", {}, ED25519),
    ("ed448", {}, ED448),
]
each_pair = pytest.mark.parametrize(("kind", "options", "scheme"), PAIRS, ids=str)


# -- digests -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DIGEST_SIZES)
def test_digest(name: str) -> None:
    digest = new_digest(name)
    digest.update(b"ab")
    digest.update(memoryview(b"c"))
    if name.startswith("shake"):
        expected = hashlib.new(name.replace("shake", "shake_"), b"abc").digest(DIGEST_SIZES[name])  # type: ignore[call-arg]
    else:
        expected = hashlib.new(name.replace("-", "_"), b"abc").digest()
    assert digest.digest() == expected
    assert len(digest.digest()) == DIGEST_SIZES[name]


def test_unknown_digest() -> None:
    with pytest.raises(UsageError, match="'md4'"):
        new_digest("md4")


# -- signatures --------------------------------------------------------------------------------------------------


@each_pair
def test_signature(keys: Keys, kind: str, options: Any, scheme: SignatureScheme) -> None:
    private, octets = keys(kind, 0, **options), b"From: alice@example.org\r\n"
    signature = private.sign(octets, scheme)
    public = PublicKey.from_spki_der(private.public_key.spki_der())
    assert public.verify(signature, octets, scheme)
    assert public.verify(signature, memoryview(octets), scheme)
    assert not public.verify(signature, octets + b" ", scheme)
    assert not public.verify(signature[:-1] + bytes((signature[-1] ^ 1,)), octets, scheme)
    assert not public.verify(signature + b"\0", octets, scheme)
    assert not public.verify(b"", octets, scheme)
    assert not keys(kind, 1, **options).public_key.verify(signature, octets, scheme)
    if scheme.digest is not None:
        digest = new_digest(scheme.digest)
        digest.update(octets)
        assert public.verify_digest(signature, digest.digest(), scheme)
        assert public.verify(private.sign_digest(digest.digest(), scheme), octets, scheme)
        assert not public.verify_digest(signature, bytes(len(digest.digest())), scheme)
        for use in (public.verify_digest, lambda _, octets, scheme: private.sign_digest(octets, scheme)):
            with pytest.raises(UsageError):
                use(signature, digest.digest()[1:], scheme)
    else:
        for use in (public.verify_digest, lambda _, octets, scheme: private.sign_digest(octets, scheme)):
            with pytest.raises(UsageError, match="themselves"):
                use(signature, bytes(32), scheme)


@each_pair
def test_a_key_of_another_kind_verifies_nothing_and_signs_nothing(
    keys: Keys, kind: str, options: Any, scheme: SignatureScheme
) -> None:
    signature = keys(kind, 0, **options).sign(b"octets", scheme)
    for other in ("rsa", "ec", "ed25519", "ed448", "x25519", "x448"):
        if other == kind:
            continue
        assert not keys(other).public_key.fits(scheme)
        assert not keys(other).public_key.verify(signature, b"octets", scheme)
        if scheme.digest:
            assert not keys(other).public_key.verify_digest(signature, bytes(DIGEST_SIZES[scheme.digest]), scheme)
        with pytest.raises(KeyFileError, match="cannot sign"):
            keys(other).sign(b"octets", scheme)


def test_salt_length_counts(keys: Keys) -> None:
    """RFC 8017 section 9.1.2: with a salt length given, another one does not verify."""
    key = keys("rsa")
    signature = key.sign(b"octets", SignatureScheme("rsa-pss", "sha256", 20))
    assert not key.public_key.verify(signature, b"octets", RSA_PSS_SHA256)
    assert key.public_key.verify(signature, b"octets", SignatureScheme("rsa-pss", "sha256"))


def test_key_too_small_for_the_digest(keys: Keys) -> None:
    small = keys("rsa", 0, bits=1024)
    with pytest.raises(KeyFileError, match="too small"):
        small.sign(b"octets", RSA_PSS_SHA512)
    assert not small.public_key.verify(bytes(128), b"octets", RSA_PSS_SHA512)


@pytest.mark.parametrize(
    "make",
    [
        lambda: SignatureScheme("rsa"),
        lambda: SignatureScheme("rsa", "md4"),
        lambda: SignatureScheme("ec", "shake256"),
        lambda: SignatureScheme("ed25519", "sha512"),
        lambda: SignatureScheme("rsa-pss", "sha256", 32, "md4"),
    ],
)
def test_impossible_schemes(make: Callable[[], SignatureScheme]) -> None:
    with pytest.raises(UsageError):
        make()


def test_rfc8032_vector() -> None:
    """RFC 8032 section 7.1, test 2."""
    key = PublicKey.ed25519_from_raw(bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"))
    signature = bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert key.verify(signature, b"\x72", ED25519)
    assert not key.verify(signature, b"\x73", ED25519)


@pytest.mark.peer
@each_pair
def test_openssl_verifies_and_signs(
    keys: Keys, openssl: OpenSSL, tmp_path: Path, *, kind: str, options: Any, scheme: SignatureScheme
) -> None:
    private, octets = keys(kind, 0, **options), b"signed by one, verified by the other"
    (tmp_path / "key").write_bytes(private.to_pem())
    (tmp_path / "public").write_bytes(encode_pem("PUBLIC KEY", private.public_key.spki_der()))
    (tmp_path / "octets").write_bytes(octets)
    (tmp_path / "ours").write_bytes(private.sign(octets, scheme))
    arguments = ["pkeyutl", "-rawin", "-in", str(tmp_path / "octets")]
    if scheme.digest:
        arguments += ["-digest", scheme.digest]
    if scheme.key_type == "rsa-pss":
        length = "auto" if scheme.salt_length is None else str(scheme.salt_length)
        arguments += ["-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt", f"rsa_pss_saltlen:{length}"]
        arguments += ["-pkeyopt", f"rsa_mgf1_md:{scheme.mgf_digest or scheme.digest}"]
    ours = ["-sigfile", str(tmp_path / "ours"), "-pubin", "-inkey", str(tmp_path / "public")]
    openssl(*arguments, "-verify", *ours)
    theirs = openssl(*arguments, "-sign", "-inkey", str(tmp_path / "key")).stdout
    assert private.public_key.verify(theirs, octets, scheme)


# -- loading public keys -----------------------------------------------------------------------------------------


@pytest.mark.peer
@pytest.mark.parametrize("bits", [512, 768, 1023, 1024, 2048, 4096])
def test_rsa_of_any_size_can_be_judged(openssl: OpenSSL, bits: int) -> None:
    """Keys far too short are loaded, for RFC 8301 section 3.2 wants their signatures judged and not just dropped."""
    pem = openssl("genrsa", str(bits)).stdout
    spki = openssl("pkey", "-pubout", "-outform", "DER", stdin=pem).stdout
    pkcs1 = openssl("rsa", "-RSAPublicKey_out", "-outform", "DER", stdin=pem).stdout
    key = PublicKey.from_spki_der(spki)
    assert (key.key_type, key.bits, key.curve) == ("rsa", bits, None)
    other = PublicKey.rsa_from_pkcs1_der(pkcs1)
    assert other == key
    assert other.same_key(key)
    assert hash(other) == hash(key)
    for label, octets in (("PUBLIC KEY", spki), ("RSA PUBLIC KEY", pkcs1)):
        assert PublicKey.from_pem(b"junk\n" + encode_pem(label, octets)) == key


@pytest.mark.peer
@pytest.mark.parametrize(
    ("restriction", "scheme", "fits"),
    [
        ([], RSA_PSS_SHA256, True),
        ([], RSA_PSS_SHA512, True),
        (["rsa_pss_keygen_md:sha256", "rsa_pss_keygen_mgf1_md:sha256"], RSA_PSS_SHA256, True),
        (["rsa_pss_keygen_md:sha256", "rsa_pss_keygen_mgf1_md:sha256"], RSA_PSS_SHA512, False),
        (["rsa_pss_keygen_md:sha256", "rsa_pss_keygen_saltlen:32"], SignatureScheme("rsa-pss", "sha256", 20), False),
        (["rsa_pss_keygen_md:sha256", "rsa_pss_keygen_mgf1_md:sha512"], RSA_PSS_SHA256, False),
        ([], RSA_SHA256, False),
    ],
    ids=str,
)
def test_keys_for_pss_only(
    openssl: OpenSSL, tmp_path: Path, restriction: list[str], scheme: SignatureScheme, fits: bool
) -> None:
    """RFC 4055 sections 1.2 and 3.3: what the key's parameters say limits what it may sign."""
    options = [part for each in restriction for part in ("-pkeyopt", each)]
    pem = openssl("genpkey", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048", *options).stdout
    key = PublicKey.from_spki_der(openssl("pkey", "-pubout", "-outform", "DER", stdin=pem).stdout)
    assert key.key_type == "rsa-pss"
    assert key.fits(scheme) is fits
    (tmp_path / "key").write_bytes(pem)
    (tmp_path / "octets").write_bytes(b"octets")
    arguments = ("pkeyutl", "-sign", "-rawin", "-inkey", str(tmp_path / "key"), "-in", str(tmp_path / "octets"))
    if fits:
        signature = openssl(*arguments, "-digest", str(scheme.digest), "-pkeyopt", "rsa_pss_saltlen:digest").stdout
        assert key.verify(signature, b"octets", scheme)


def spki(oid: str, parameters: bytes, key: bytes) -> bytes:
    algorithm = encode.sequence(encode.oid(oid), parameters)
    return encode.sequence(algorithm, encode.primitive(0x03, b"\0" + key))


def rsa(modulus: int, exponent: int) -> bytes:
    return encode.sequence(encode.integer(modulus), encode.integer(exponent))


_RSA_OID, _EC_OID = "1.2.840.113549.1.1.1", "1.2.840.10045.2.1"
_MODULUS = (1 << 2047) | 1


@pytest.mark.parametrize(
    ("octets", "sentence"),
    [
        (b"", "no public key in DER"),
        (b"\x30", "no public key in DER"),
        (b"\x30\x00", "no public key in DER"),
        (b"\x30\x80\x00\x00", "unusable form"),
        (bytes(100), "no public key in DER"),
        (bytes(20_000), "20000 octets"),
        (rsa(_MODULUS, 65537), "bare RSAPublicKey"),
        (spki(_RSA_OID, encode.NULL, rsa(_MODULUS, 65537)) + b"\0", "after the end"),
        (spki(_RSA_OID, encode.NULL, rsa(_MODULUS, 65537))[:-1], "no public key in DER"),
        (spki(_RSA_OID, encode.NULL, rsa(_MODULUS, 65536)), "malformed: e must be odd"),
        (spki(_RSA_OID, encode.NULL, rsa(_MODULUS, 1)), "malformed: e must be"),
        (spki(_RSA_OID, encode.NULL, rsa(_MODULUS, (1 << 64) | 1)), "more than 64 bits"),
        (spki(_RSA_OID, encode.NULL, rsa((1 << 16_384) | 1, 65537)), "16385 bits"),
        (spki(_RSA_OID, encode.NULL, rsa(-5, 65537)), "malformed"),
        (spki("1.2.3.4", b"", b"key"), "not supported"),
        (spki(_EC_OID, encode.oid("1.3.36.3.3.2.8.1.1.1"), b"\4" + bytes(40)), "not supported"),
        (spki(_EC_OID, encode.oid("1.2.840.10045.3.1.7"), b"\4" + b"\1" * 64), "malformed"),
        (spki(_EC_OID, encode.oid("1.2.840.10045.3.1.7"), b"\0"), "malformed"),
        (spki("1.3.101.112", b"", bytes(31)), "malformed"),
    ],
)
def test_what_is_no_public_key(octets: bytes, sentence: str) -> None:
    with pytest.raises(KeyFileError, match=sentence):
        PublicKey.from_spki_der(octets)


@pytest.mark.parametrize(
    ("octets", "sentence"),
    [
        (b"", "no RSA key"),
        (rsa(_MODULUS, 65537) + b"\0", "after the end"),
        (encode.sequence(encode.integer(_MODULUS), encode.integer(3), encode.integer(1)), "after the exponent"),
        (rsa(_MODULUS, 2), "malformed"),
        (rsa(0, 65537), "malformed"),
        (rsa(1 << 16_400, 65537), "16401 bits"),
        (spki(_RSA_OID, encode.NULL, rsa(_MODULUS, 65537)), "no RSA key"),
        (bytes(20_000), "20000 octets"),
    ],
)
def test_what_is_no_rsa_key(octets: bytes, sentence: str) -> None:
    with pytest.raises(KeyFileError, match=sentence):
        PublicKey.rsa_from_pkcs1_der(octets)


@pytest.mark.parametrize(
    ("octets", "sentence"),
    [
        (b"", "no PEM block with a public key"),
        (b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", "no PEM block with a public key"),
        (b"-----BEGIN PUBLIC KEY-----\nMAA=\n", "cut off"),
        (b"-----BEGIN PUBLIC KEY-----\n!!!\n-----END PUBLIC KEY-----\n", "not base64"),
        (b"-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n", "no public key in DER"),
    ],
)
def test_what_is_no_public_key_in_pem(octets: bytes, sentence: str) -> None:
    with pytest.raises(KeyFileError, match=sentence):
        PublicKey.from_pem(octets)


@pytest.mark.parametrize("octets", [b"", bytes(31), bytes(33), bytes(1000)])
def test_ed25519_keys_have_32_octets(octets: bytes) -> None:
    with pytest.raises(KeyFileError, match="32 octets"):
        PublicKey.ed25519_from_raw(octets)


def test_public_keys_compare_and_travel(keys: Keys) -> None:
    for kind in ("rsa", "ec", "ed25519", "x25519"):
        key = keys(kind).public_key
        assert pickle.loads(pickle.dumps(key)) == key
        assert key != keys(kind, 1).public_key
        assert key != "a key"
    broken = PublicKey.unusable(b"abc", "no reason")
    assert pickle.loads(pickle.dumps(broken)).trouble == "no reason"
    assert not broken.same_key(broken)
    assert not broken.verify(b"", b"", RSA_SHA256)
    assert not broken.verify(b"", b"", ED25519)


@given(st.binary(max_size=300))
def test_random_octets_are_no_key(octets: bytes) -> None:
    for load in (PublicKey.from_spki_der, PublicKey.rsa_from_pkcs1_der, PublicKey.from_pem):
        with pytest.raises(KeyFileError):
            load(octets)


@settings(max_examples=400)
@given(data=st.data())
def test_mutated_keys_never_break_anything(keys: Keys, data: st.DataObject) -> None:
    kind, options, scheme = data.draw(st.sampled_from(PAIRS))
    private = keys(kind, 0, **options)
    octets = bytearray(private.public_key.spki_der())
    for _ in range(data.draw(st.integers(1, 3))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    try:
        key = PublicKey.from_spki_der(bytes(octets))
    except KeyFileError:
        return
    key.verify(private.sign(b"octets", scheme), b"octets", scheme)
    assert key.spki_der()


@settings(max_examples=200)
@given(data=st.data())
def test_random_signatures_are_wrong_and_nothing_else(keys: Keys, data: st.DataObject) -> None:
    kind, options, scheme = data.draw(st.sampled_from(PAIRS))
    assert not keys(kind, 0, **options).public_key.verify(data.draw(st.binary(max_size=600)), b"octets", scheme)


@given(st.binary(max_size=80))
def test_scheme_of_random_octets(octets: bytes) -> None:
    scheme_of(octets)
    scheme_of(encode.sequence(encode.oid("1.2.840.113549.1.1.10"), encode.sequence(octets)))


@pytest.mark.parametrize(
    ("parameters", "scheme"),
    [
        (b"\x30\x00", SignatureScheme("rsa-pss", "sha1", 20)),  # RFC 4055 section 3.1: the defaults
        (encode.sequence(encode.constructed(0x82, encode.integer(8))), SignatureScheme("rsa-pss", "sha1", 8)),
        (encode.sequence(encode.constructed(0x82, encode.integer(-1))), None),
        (encode.sequence(encode.constructed(0x84, encode.NULL)), None),
        (encode.sequence(encode.constructed(0x80, encode.sequence(encode.oid("1.2.3")))), None),
        (b"", None),
    ],
)
def test_pss_parameters(parameters: bytes, scheme: SignatureScheme | None) -> None:
    assert scheme_of(encode.sequence(encode.oid("1.2.840.113549.1.1.10"), parameters)) == scheme


# -- private keys ------------------------------------------------------------------------------------------------


@each_pair
def test_private_keys_come_back(keys: Keys, kind: str, options: Any, scheme: SignatureScheme) -> None:
    key = keys(kind, 0, **options)
    for password in (None, b"pass word"):
        loaded = PrivateKey.load(key.to_pem(password), password)
        assert loaded.public_key == key.public_key
        assert loaded.key_type == kind
        assert key.public_key.verify(loaded.sign(b"octets", scheme), b"octets", scheme)


def test_secrets_stay_inside(keys: Keys) -> None:
    key = keys("rsa")
    assert repr(key) == "<PrivateKey rsa>"
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled"):
            leak(key)


@pytest.mark.parametrize(
    ("kind", "options"),
    [("rsa", {"bits": 512}), ("rsa", {"bits": 1 << 20}), ("ec", {"curve": "P-1"}), ("dsa", {"bits": 1}), ("gost", {})],
)
def test_keys_that_cannot_be_made(kind: Any, options: Any) -> None:
    with pytest.raises(UsageError):
        PrivateKey.generate(kind, **options)


@pytest.mark.parametrize("password", [b"", bytes(1025)])
def test_passwords_that_cannot_be_set(keys: Keys, password: bytes) -> None:
    with pytest.raises(UsageError, match="1 to 1024"):
        keys("ec").to_pem(password)
