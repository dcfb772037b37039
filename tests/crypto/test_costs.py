"""Files with keys that would take hours or all memory to load: each is refused before anything is done."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from mailsec.crypto import PrivateKey, load_identities
from mailsec.crypto.cms import encode
from mailsec.crypto.costs import check_costs
from mailsec.crypto.limits import KEY_FILE_LIMITS
from mailsec.crypto.pem import encode_pem
from mailsec.errors import KeyFileError

SALT = encode.octet_string(bytes(8))
AES = encode.sequence(encode.oid("2.16.840.1.101.3.4.1.42"), encode.octet_string(bytes(16)))
MANY = 2_000_000_000


def algorithm(oid: str, *parameters: bytes) -> bytes:
    return encode.sequence(encode.oid(oid), encode.sequence(*parameters))


def pbkdf2(iterations: int) -> bytes:
    return algorithm("1.2.840.113549.1.5.12", SALT, encode.integer(iterations))


def scrypt(cost: int, block: int, parallel: int) -> bytes:
    return algorithm("1.3.6.1.4.1.11591.4.11", SALT, *map(encode.integer, (cost, block, parallel)))


def encrypted(scheme: bytes, size: int = 160) -> bytes:
    """An EncryptedPrivateKeyInfo (RFC 5958 section 3)."""
    return encode.sequence(scheme, encode.octet_string(bytes(size)))


def pbes2(derivation: bytes) -> bytes:
    return algorithm("1.2.840.113549.1.5.13", derivation, AES)


def pfx(*bags: bytes, mac: int = 1) -> bytes:
    """A PKCS#12 file whose bags lie in strings within strings (RFC 7292 section 4)."""
    data = encode.oid("1.2.840.113549.1.7.1")
    contents = encode.octet_string(encode.sequence(*bags))
    inner = encode.sequence(encode.sequence(data, encode.constructed(0x80, contents)))
    safe = encode.sequence(data, encode.constructed(0x80, encode.octet_string(inner)))
    digest = encode.sequence(encode.sequence(encode.oid("2.16.840.1.101.3.4.2.1")), encode.octet_string(bytes(32)))
    return encode.sequence(encode.integer(3), safe, encode.sequence(digest, SALT, encode.integer(mac)))


def bag(key: bytes) -> bytes:
    return encode.sequence(encode.oid("1.2.840.113549.1.12.10.1.2"), encode.constructed(0x80, key))


def rsa(bits: int) -> bytes:
    """An RSAPrivateKey with numbers of so many bits (RFC 8017 appendix A.1.2)."""
    number = encode.primitive(2, b"\0" + b"\xff" * (bits // 8))
    return encode.sequence(encode.integer(0), *[number] * 8)


HASHED, MEMORY, LONG = "hashed more often", "more memory", "more than 16384 bits"


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        pytest.param(encrypted(pbes2(pbkdf2(MANY))), HASHED, id="PBKDF2"),
        pytest.param(encrypted(pbes2(scrypt(1 << 30, 8, 1))), MEMORY, id="scrypt, memory"),
        pytest.param(encrypted(pbes2(scrypt(1 << 10, 8, 1 << 24))), HASHED, id="scrypt, time"),
        pytest.param(encrypted(algorithm("1.2.840.113549.1.5.3", SALT, encode.integer(MANY))), HASHED, id="PBES1"),
        pytest.param(
            encrypted(algorithm("1.2.840.113549.1.12.1.3", SALT, encode.integer(MANY))), HASHED, id="PKCS#12's PBE"
        ),
        pytest.param(pfx(mac=MANY), HASHED, id="the MAC of a PKCS#12 file"),
        pytest.param(pfx(bag(encrypted(pbes2(pbkdf2(MANY))))), HASHED, id="a bag in a PKCS#12 file"),
        pytest.param(pfx(*[bag(encrypted(pbes2(pbkdf2(9_000_000))))] * 2), HASHED, id="two bags together"),
        pytest.param(rsa(65_536), LONG, id="RSA with 65,536 bits"),
        pytest.param(
            encode.sequence(
                encode.integer(0),
                encode.sequence(encode.oid("1.2.840.113549.1.1.1"), encode.NULL),
                encode.octet_string(rsa(65_536)),
            ),
            LONG,
            id="RSA with 65,536 bits in PKCS#8",
        ),
        pytest.param(encrypted(pbes2(pbkdf2(1)), 100_000), "has more than", id="an encrypted key that is too long"),
        pytest.param(pfx(*[encode.NULL] * 60_000), "more parts", id="very many elements"),
    ],
)
def test_files_that_cost_too_much(octets: bytes, words: str) -> None:
    with pytest.raises(KeyFileError, match=words):
        check_costs(octets)
    with pytest.raises(KeyFileError, match=words):
        load_identities(octets, b"password")


def test_in_pem_too() -> None:
    octets = encode_pem("ENCRYPTED PRIVATE KEY", encrypted(pbes2(pbkdf2(MANY))))
    with pytest.raises(KeyFileError, match=HASHED):
        load_identities(octets, b"password")


def test_what_programs_write_is_far_below(openssl: Callable[..., object], keys: Callable[..., PrivateKey]) -> None:
    """The most that openssl and others use by themselves is a million."""
    few = replace(KEY_FILE_LIMITS, work=1_000_000)
    for octets in (pfx(bag(encrypted(pbes2(pbkdf2(600_000)))), mac=100_000), encrypted(pbes2(scrypt(16_384, 8, 1)))):
        check_costs(octets, few)
    made = openssl("pkcs8", "-topk8", "-outform", "DER", "-scrypt", "-passout", "pass:x", stdin=keys("ec").to_pem())
    assert PrivateKey.load(made.stdout, b"x").public_key == keys("ec").public_key  # type: ignore[attr-defined]


def test_a_dsa_key_whose_halves_do_not_belong_together(keys: Callable[..., PrivateKey]) -> None:
    """Signing with a key that was tampered with gives it away (Klíma and Rosa, 2001)."""
    native = load_pem_private_key(keys("dsa").to_pem(), None)
    assert isinstance(native, dsa.DSAPrivateKey)
    numbers = native.private_numbers()
    public = numbers.public_numbers
    group = public.parameter_numbers

    def file(x: int) -> bytes:
        values = (0, group.p, group.q, group.g, public.y, x)
        integers = (encode.primitive(2, value.to_bytes(value.bit_length() // 8 + 1)) for value in values)
        return encode_pem("DSA PRIVATE KEY", encode.sequence(*integers))

    assert PrivateKey.load(file(numbers.x)).key_type == "dsa"
    with pytest.raises(KeyFileError, match="two halves"):
        PrivateKey.load(file(numbers.x ^ 2))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(lambda text: text, "", id="as it was written"),
        pytest.param(lambda text: text.replace(b"\n", b"\r\n"), "", id="with CRLF"),
        pytest.param(
            lambda text: re.sub(rb"(DEK-Info: [^,]*,....)[^\n]*", rb"\1", text), "cannot be read", id="a short IV"
        ),
        pytest.param(lambda text: re.sub(rb",[0-9A-F]{16,}", b",", text), "cannot be read", id="no IV"),
        pytest.param(lambda text: re.sub(rb"(DEK-Info[^\n]*\n)", rb"\1\1", text), "cannot be read", id="two of them"),
        pytest.param(lambda text: text.replace(b"AES-256-CBC", b"RC2-CBC"), "not supported", id="another cipher"),
        pytest.param(lambda text: re.sub(rb"\n\n.*\n-", b"\n\n-", text, flags=re.DOTALL), "cut off", id="nothing"),
        pytest.param(lambda text: text.replace(b"\n\n", b"\n\nAAAA\n"), "cut off", id="no whole blocks"),
        pytest.param(lambda text: text.replace(b"\n\n", b"\n\n!"), "not base64", id="no base64"),
    ],
)
def test_keys_encrypted_in_the_old_way(
    keys: Callable[..., PrivateKey], change: Callable[[bytes], bytes], words: str
) -> None:
    """RFC 1421 section 4.6.1.3: a short initialization vector made the library panic, past all exceptions."""
    native = load_pem_private_key(keys("ec").to_pem(), None)
    text = native.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"x"))
    if not words:
        assert PrivateKey.load(change(text), b"x").public_key == keys("ec").public_key
        return
    with pytest.raises(KeyFileError, match=words):
        PrivateKey.load(change(text), b"x")


@pytest.mark.parametrize("oid", ["1.3.101.110", "1.3.101.111", "1.3.101.112", "1.3.101.113"])
@pytest.mark.parametrize("size", [0, 31, 33, 200])
def test_keys_of_a_wrong_length(oid: str, size: int) -> None:
    """RFC 8410 section 7: the library answers some with an error of its own, which must not get out."""
    inner = encode.octet_string(encode.octet_string(bytes(size)))
    octets = encode.sequence(encode.integer(0), encode.sequence(encode.oid(oid)), inner)
    with pytest.raises(KeyFileError):
        load_identities(octets)
    with pytest.raises(KeyFileError):
        load_identities(encode_pem("PRIVATE KEY", octets))
