"""The standards' own examples of encrypted messages, and other libraries as judges where no program can be one."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from asn1crypto import cms as native
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap
from kyber_py.ml_kem import ML_KEM_512, ML_KEM_768, ML_KEM_1024
from nacl.bindings import crypto_aead_chacha20poly1305_ietf_decrypt, crypto_aead_chacha20poly1305_ietf_encrypt

from mailsec.crypto import Certificate, Identity, MemoryKeyRing, PrivateKey, PublicKey
from mailsec.crypto.cms import (
    CertificateRecipient,
    ContentEncryption,
    SharedKey,
    decrypt,
    encrypt,
    find_recipients,
    parse_enveloped_data,
    wraps,
)
from mailsec.crypto.cms.signed import AlgorithmIdentifier
from mailsec.crypto.cms.tlv import read
from mailsec.errors import UnsupportedError
from mailsec.message import parse

CONTENT = b"Content-Type: text/plain\r\n\r\nHello, world.\r\n"

# RFC 9936 appendix C.1
ML_KEM_EXAMPLE = base64.b64decode(
    "MIID4gYLKoZIhvcNAQkQARegggPRMIIDzQIBADGCA3ikggN0BgsqhkiG9w0BCRANAzCCA2MCAQCAFFmXiMN67UAO5AXRsqM2arF9gkpRMAsG"
    "CWCGSAFlAwQEAQSCAwA+pA/GygkOLIr3bicnqzjgZS2VFZhv4YaCf+hOWW5CG4X9RZzHiZc3LJ3jHRkbOcHVo+tt21aq3t52XMOQ/bvC+Iyx"
    "dWgdQgG4HM38sk/vE68vWhq8+NivOE8CoBCm6RnxmHpemxwOLT8H9YqfpTnOhswUmRChaSwMpM4Ozk7u0uZpnLl2MyRS3koutcph97CBMww0"
    "eY73EqJOWcM86h8fnm1PvzdDo4RnQwARM29i2HB5K4Zr780dGzZb7RlSZz06Wwwgs4a079HPY/03a9R8zEasTdjsZrBHxMlaz/HP0CikGbAC"
    "/aG2F8umHS6Rz+j/+8uP/U1fatixWMIZ423FFAXcDAsjSXmsZY5yvd8bZ3O5ayrj5NB76GBIBAwBZ0NvqDnnUpsAzJq1Wi8l22PMn1V1lOaR"
    "wR5VPUo+vHYPXxnl/hRIOLTH0VkdqbXUZ0lP2crFLMVQQGA5nb23IpjrmkwBewB4b9x9nXqletu4thw03h4oiyq3KBcdzhQ80WlT+YTBrtVZ"
    "5WuqDOZY0yzOQvRAdQTNelea0O+bdxNeqjm2+To6LlmXgH8GNhyD9OZ/jj+c9oMWARUU9dhaGBzq1xTNSUDk66wB1mUo2jL4nOoEKOjrytz4"
    "qhiMn2LoWxlXZVt/4rjXlzt6cia2bZO/eyMvPc9lPIS07PGpkg2xlJrXULVGpVUqIOVJCXGbjAwHBW/LfldK0qMuyVAB3ehEgb530DntW/dC"
    "YuzzmB8bANM2apwuBhxH4kGgYcYklWDSuERqSAw4woupidn2itxLuvKiC0fkkjEoxyNC1Zf9olneC4PCBW1rd+eZsxkySqULHWWcKlYCm3RT"
    "xfO6UkPZ+nSdkXxA2dEB5FO8ixDkKnwIkyPAJveD4QC5+m5wFEJNpvo3kryVfughnQFrdz8o/tzJYqSFq6/+wCMoGXHimqaJg57P0mGekih8"
    "0jDbJqJQfMUA6xx6UpO1/pF64pvxrTUBJPijEWNSFLQR259n07hb1xUBhTfqRbQfQbTGYFEwDQYLKoZIhvcNAQkQAxwCARAwCwYJYIZIAWUD"
    "BAEFBBjAUOQ5L5wU3QrCIgID8xfXAflPndknePUwOgYJKoZIhvcNAQcBMB4GCWCGSAFlAwQBBjARBAxcpXRouBvwO42nGGwCARCADZTIaJqZ"
    "0sOOGS+muggEEFzxeGxXx0ArVPyTwwpKRTM="
)
# RFC 9936 appendix C.2: the seed of Bob's key, and C.1: its key identifier
ML_KEM_SEED = bytes(range(64))
ML_KEM_IDENTIFIER = bytes.fromhex("599788C37AED400EE405D1B2A3366AB17D824A51")


Cell = Callable[..., None]
KYBER = f"kyber-py {version('kyber-py')}"


@dataclass
class Oracle:
    """A key ring that decapsulates with another library, and counts how often."""

    decapsulation_key: bytes
    library: Any
    identity: Identity
    used: int = 0

    def identities(self, name: str | None = None) -> tuple[Identity, ...]:
        return (self.identity,)

    def decapsulate(self, identity: Identity, octets: bytes) -> bytes:
        self.used += 1
        return self.library.decaps(self.decapsulation_key, octets)


def test_ml_kem_as_in_rfc_9936(cell: Cell) -> None:
    """The example takes ML-KEM-512, which a key ring may have though ours has not."""
    _, decapsulation_key = ML_KEM_512.key_derive(ML_KEM_SEED)
    certificate = SimpleNamespace(key_identifier=ML_KEM_IDENTIFIER, public_key=PublicKey.unusable(b"", "it is a test"))
    ring: Any = Oracle(decapsulation_key, ML_KEM_512, Identity("bob@example.org", "ml-kem-512", (certificate,)))  # type: ignore[arg-type]
    content, decryption = decrypt(parse_enveloped_data(ML_KEM_EXAMPLE), ring)
    assert bytes(content) == b"Hello, world!"
    assert (decryption.cipher, decryption.authenticated, ring.used) == ("aes128-gcm", True, 1)
    cell("AuthEnvelopedData", "ML-KEM-512", f"RFC 9936 appendix C, {KYBER}", "they encrypt, we decrypt", "aes128-gcm")


def test_the_key_derivation_of_ml_kem_as_in_rfc_9936() -> None:
    """Appendix C.1: the key-encryption key, and what it wraps."""
    secret = bytes.fromhex("7DF12D412AE299A24FDE6D7C3BB8E3194C80AD3C733DCF2775E09FE8BEDB86D8")
    wrapping = wraps.wrap_algorithm(16)
    key = wraps.encapsulated_key("sha256", secret, None, wrapping)
    assert key == bytes.fromhex("CF453A3E2BAE0A78701B8206C185A008")
    wrapped = bytes.fromhex("C050E4392F9C14DD0AC2220203F317D701F94F9DD92778F5")
    assert wraps.unwrap(wrapping, key, wrapped) == bytes.fromhex("C5153005588269A0A59F3C01943FDD56")


@pytest.mark.parametrize(
    ("identifier", "derived"),
    [
        ("301b0609608648016503040106300e040c5c79058ba2f43447639d29e2", "2124ffb29fac4e0fbbc7d5d87492bff3"),
        ("301d06096086480165030401020410651f722ffd512c52fe072e507d72b377", "9cd102c52f1e19ece8729b35bfeceb50"),
    ],
    ids=["B.1, AES-128-GCM", "B.2, AES-128-CBC"],
)
def test_derived_keys_as_in_rfc_9709(identifier: str, derived: str) -> None:
    encryption = ContentEncryption.read(AlgorithmIdentifier.of(read(bytes.fromhex(identifier))))
    key = bytes.fromhex("c702e7d0a9e064b09ba55245fb733cf3")
    with_derivation = replace(encryption, derived=True)
    assert with_derivation.effective_key(key).hex() == derived
    assert encryption.effective_key(key) == key
    assert ContentEncryption.read(AlgorithmIdentifier.of(read(with_derivation.der))) == with_derivation


def test_passwords_as_in_rfc_3211() -> None:
    """Section 3, the second example: PBKDF2 with SHA-1, and PWRI-KEK with Triple DES, both ways."""
    password = b"All n-entities must communicate with other n-entities via n-1 entiteeheehees"
    key = wraps.PBKDF2(bytes.fromhex("1234567878563412"), 500, "sha1").derive(password, 24)
    assert key.hex() == "6a8970bf68c92caea84a8df28510858607126380cc47ab2d"
    wrapped = bytes.fromhex("C03C514ABDB9E2C5AAC038572B5E24553876B377AAFB82ECA5A9D73F8AB143D9EC74E6CAD7DB260C")
    iv = bytes.fromhex("BAF1CA7931213C4E")
    secret = bytes.fromhex("8C637D887223A2F965B566EB014B0FA5D52300A3F7EA40FFFC577203C71BAF3B")
    assert wraps.unwrap_pwri("des-ede3-cbc", iv, key, wrapped) == secret
    assert wraps.wrap_pwri("des-ede3-cbc", iv, key, secret, lambda size: bytes.fromhex("FA060A45")[:size]) == wrapped
    for at in range(len(wrapped)):
        changed = wrapped[:at] + bytes((wrapped[at] ^ 1,)) + wrapped[at + 1 :]
        assert wraps.unwrap_pwri("des-ede3-cbc", iv, key, changed) != secret


def rfc4134_key(folder: Path) -> MemoryKeyRing:
    text = (folder / "rfc4134.txt").read_text()
    lines = re.search(r"\|>BobPrivRSAEncrypt\.pri\n(.*?)\|<BobPriv", text, re.DOTALL)
    assert lines is not None
    ring = MemoryKeyRing()
    key = PrivateKey.load(base64.b64decode("".join(line[1:] for line in lines[1].splitlines() if line[:1] == "|")))
    ring.add("bob@example.org", key, [Certificate.from_der((folder / "BobRSASignByCarl.cer").read_bytes())])
    return ring


def test_rfc_4134(conformance: Path) -> None:
    """Sections 5.1 and 5.3 with Triple DES; 5.2 with RC2 of 40 bits, which nobody should be able to read."""
    folder = conformance / "rfc4134"
    ring = rfc4134_key(folder)
    content, decryption = decrypt(parse_enveloped_data((folder / "5.1.bin").read_bytes()), ring)
    assert bytes(content) == (folder / "ExContent.bin").read_bytes()
    assert decryption.assessment.status == "refused", "a key of 1024 bits"
    (part,) = parse((folder / "5.3.eml").read_bytes()).walk()
    content, _ = decrypt(parse_enveloped_data(part.content), ring)
    assert b"This is some sample content." in bytes(content)
    with pytest.raises(UnsupportedError, match="RC2"):
        decrypt(parse_enveloped_data((folder / "5.2.bin").read_bytes()), ring)


FUNCTIONS = {"aes256-cbc": "EnvelopedData", "aes256-gcm": "AuthEnvelopedData"}


@pytest.mark.parametrize("kind", ["ml-kem-768", "ml-kem-1024"])
def test_ml_kem_beside_another_library(recipients: Any, cell: Cell, kind: str) -> None:
    """kyber-py decapsulates what we encapsulate, and we what it encapsulates (FIPS 203)."""
    library = ML_KEM_768 if kind == "ml-kem-768" else ML_KEM_1024
    identity = recipients.identity(kind)
    public = PrivateKey.load((recipients.folder / f"{kind}.key").read_bytes()).public_key
    secret, ciphertext = library.encaps(public.raw())
    assert recipients.ring.decapsulate(identity, ciphertext) == secret
    (seed,) = re.findall(rb"\x80\x40(.{64})", der_of(recipients.folder / f"{kind}.key"), re.DOTALL)
    ring: Any = Oracle(library.key_derive(seed)[1], library, identity)
    one = CertificateRecipient(recipients.certificates[kind])
    for used, (cipher, function) in enumerate(FUNCTIONS.items(), start=1):
        octets = b"".join(encrypt([CONTENT], [one], cipher=cipher))
        content, _ = decrypt(parse_enveloped_data(octets), ring)
        assert bytes(content) == CONTENT
        assert ring.used == used
        cell(function, kind.upper(), KYBER, "we encrypt, they decapsulate", cipher)
        cell(function, kind.upper(), KYBER, "they encapsulate, we decapsulate", cipher)


def der_of(path: Path) -> bytes:
    return base64.b64decode(b"".join(path.read_bytes().splitlines()[1:-1]))


@pytest.mark.parametrize("cipher", ["aes128-cbc", "aes256-gcm", "aes256-ccm", "chacha20-poly1305"])
@pytest.mark.parametrize("kind", ["rsa", "p256", "x25519", "x448"])
def test_another_reader_reads_the_same(recipients: Any, cell: Cell, kind: str, cipher: str) -> None:
    """asn1crypto, which reads strictly, sees the recipients, the algorithm and the content as we do."""
    certificate = recipients.certificates[kind]
    octets = b"".join(encrypt([CONTENT], [CertificateRecipient(certificate)], cipher=cipher))
    info = native.ContentInfo.load(octets, strict=True)
    if cipher == "aes128-cbc":
        assert info["content_type"].native == "enveloped_data"
    else:
        assert info["content_type"].native == "authenticated_enveloped_data"
    enveloped = info["content"]
    (recipient,) = enveloped["recipient_infos"]
    chosen = recipient.chosen
    if kind == "rsa":
        rid = chosen["rid"].chosen
    else:
        (key,) = chosen["recipient_encrypted_keys"]
        rid = key["rid"].chosen
        assert chosen["version"].native == "v3"
    assert rid["serial_number"].native == certificate.serial
    assert rid["issuer"].dump() == certificate.issuer_der
    content = enveloped["encrypted_content_info" if cipher == "aes128-cbc" else "auth_encrypted_content_info"]
    ours = parse_enveloped_data(octets)
    assert content["content_encryption_algorithm"]["algorithm"].dotted == ours.algorithm.oid
    assert content["encrypted_content"].native == b"".join(ours.pieces)
    assert find_recipients(ours, recipients.ring.identities()) == (recipients.identity(kind),)
    assert info.dump(force=True) == octets
    function = "EnvelopedData" if "cbc" in cipher else "AuthEnvelopedData"
    peer = f"asn1crypto {version('asn1crypto')}"
    cell(function, NAMES[kind], peer, "we encrypt, it reads the structure", cipher)


NAMES = {"rsa": "RSA, PKCS #1 v1.5", "p256": "ECDH, P-256", "x25519": "ECDH, X25519", "x448": "ECDH, X448"}


def test_chacha20_poly1305_beside_libsodium(recipients: Any, cell: Cell) -> None:
    """RFC 8103: PyNaCl decrypts what we encrypt and we what it encrypts; the key is one that was handed over."""
    shared = SharedKey(b"kek", bytes(range(32)))
    octets = b"".join(encrypt([CONTENT], [shared], cipher="chacha20-poly1305"))
    ours = parse_enveloped_data(octets)
    (recipient,) = native.ContentInfo.load(octets, strict=True)["content"]["recipient_infos"]
    key = aes_key_unwrap(shared.key, recipient.chosen["encrypted_key"].native)
    nonce = ours.encryption.nonce
    encrypted = b"".join(ours.pieces)
    assert crypto_aead_chacha20poly1305_ietf_decrypt(encrypted + ours.tag, ours.aad, nonce, key) == CONTENT
    peer, name = f"PyNaCl {version('pynacl')}, asn1crypto", "shared key (KEK)"
    cell("AuthEnvelopedData", name, peer, "we encrypt, they decrypt", "chacha20-poly1305")
    theirs = crypto_aead_chacha20poly1305_ietf_encrypt(CONTENT[::-1], ours.aad, nonce, key)
    changed = octets.replace(encrypted, theirs[:-16]).replace(ours.tag, theirs[-16:])
    content, _ = decrypt(parse_enveloped_data(changed), recipients.ring, secrets=[shared])
    assert bytes(content) == CONTENT[::-1]
    cell("AuthEnvelopedData", name, peer, "they encrypt, we decrypt", "chacha20-poly1305")
