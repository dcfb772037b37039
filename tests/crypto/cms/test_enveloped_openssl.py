"""What `openssl cms` encrypts is decrypted, and what we encrypt `openssl cms` decrypts."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms as native

from mailsec.crypto import KeyTransport, PublicKey
from mailsec.crypto.cms import (
    CertificateRecipient,
    Password,
    SharedKey,
    decrypt,
    decrypt_to,
    encrypt,
    oids,
    parse_enveloped_data,
)
from mailsec.errors import DecryptionError, NoRecipientError, UnsupportedError

pytestmark = pytest.mark.peer

CONTENT = b"Content-Type: text/plain\r\n\r\nHello, world.\r\n" * 300
OpenSSL = Callable[..., bytes]
Cell = Callable[..., None]
THEY, WE = "it encrypts, we decrypt", "we encrypt, it decrypts"


def function(cipher: str) -> str:
    """The function that a cipher belongs to."""
    return "EnvelopedData" if "cbc" in cipher else "AuthEnvelopedData"


def peer_name(openssl: OpenSSL) -> str:
    return " ".join(openssl("version").decode().split()[:2])


OAEP = ("-keyopt", "rsa_padding_mode:oaep")
# certificate, options after it, how the key travels
THEIR_RECIPIENTS = [
    pytest.param("rsa", (), id="RSA, PKCS #1 v1.5"),
    pytest.param("rsa", OAEP, id="RSA, OAEP with SHA-1"),
    pytest.param("rsa", (*OAEP, "-keyopt", "rsa_oaep_md:sha256"), id="OAEP, SHA-256"),
    pytest.param(
        "rsa",
        (*OAEP, "-keyopt", "rsa_oaep_md:sha512", "-keyopt", "rsa_mgf1_md:sha224", "-keyopt", "rsa_oaep_label:4d41494c"),
        id="OAEP, SHA-512, another mask digest, a label",
    ),
    pytest.param("p256", (), id="ECDH, P-256"),
    pytest.param("p384", (), id="ECDH, P-384"),
    pytest.param("p521", ("-keyopt", "ecdh_kdf_md:sha512"), id="ECDH, P-521, KDF with SHA-512"),
    pytest.param("p256", ("-keyopt", "ecdh_kdf_md:sha224"), id="ECDH, KDF with SHA-224"),
    pytest.param("p256", ("-keyopt", "ecdh_cofactor_mode:1"), id="cofactor ECDH"),
    pytest.param("brainpool", ("-keyopt", "ecdh_kdf_md:sha384"), id="ECDH, brainpoolP256r1, KDF with SHA-384"),
]
THEIR_CIPHERS = {
    "aes128": "aes128-cbc",
    "aes192": "aes192-cbc",
    "aes256": "aes256-cbc",
    "aes-128-gcm": "aes128-gcm",
    "aes-192-gcm": "aes192-gcm",
    "aes-256-gcm": "aes256-gcm",
    "des3": "des-ede3-cbc",
}
FORMS = [
    pytest.param((), id="DER"),
    pytest.param(("-stream",), id="streamed"),
    pytest.param(("-keyid",), id="by key identifier"),
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("kind", "options"), THEIR_RECIPIENTS)
def test_openssl_encrypts(
    openssl: OpenSSL,
    recipients: Any,
    cell: Cell,
    kind: str,
    options: tuple[str, ...],
    form: tuple[str, ...],
    request: pytest.FixtureRequest,
) -> None:
    """RFC 5652 section 6, in definite and indefinite length; AES wrap and Triple DES wrap with the ciphers."""
    certificate, _ = recipients.issued(kind)
    name, _, how = request.node.callspec.id.rpartition("-")
    for theirs, ours in THEIR_CIPHERS.items():
        command = ("cms", "-encrypt", "-binary", "-outform", "DER", f"-{theirs}", *form, "-recip", certificate)
        enveloped = parse_enveloped_data(openssl(*command, *options, stdin=CONTENT))
        content, decryption = decrypt(enveloped, recipients.ring)
        assert bytes(content) == CONTENT
        assert decryption.cipher == ours
        assert decryption.authenticated == ("gcm" in ours)
        assert decryption.identity == recipients.identity(kind)
        cell(function(ours), name, peer_name(openssl), THEY, f"{ours}, {how}")


def test_openssl_encrypts_to_several(openssl: OpenSSL, recipients: Any, cell: Cell) -> None:
    """Each recipient's key opens it, and only a recipient's."""
    kinds = ("rsa", "p256", "p521", "brainpool")
    certificates = [recipients.issued(kind)[0] for kind in kinds]
    enveloped = parse_enveloped_data(
        openssl("cms", "-encrypt", "-binary", "-outform", "DER", "-aes256", *certificates, stdin=CONTENT)
    )
    for kind in kinds:
        content, decryption = decrypt(enveloped, recipients.ring, identities=[recipients.identity(kind)])
        assert bytes(content) == CONTENT
        assert decryption.identity == recipients.identity(kind)
        cell("EnvelopedData", "several recipients", peer_name(openssl), THEY, f"{kind}, aes256-cbc")
    with pytest.raises(NoRecipientError, match="none of the keys at hand is among its recipients"):
        decrypt(enveloped, recipients.ring, identities=[recipients.identity("p384")])


@pytest.mark.parametrize("octets", [16, 24, 32])
def test_openssl_encrypts_with_a_shared_key(openssl: OpenSSL, recipients: Any, cell: Cell, octets: int) -> None:
    """RFC 5652 section 6.2.3."""
    key = bytes(range(octets))
    options = ("-secretkey", key.hex(), "-secretkeyid", "c0ffee")
    for theirs, ours in THEIR_CIPHERS.items():
        octets_sent = openssl("cms", "-encrypt", "-binary", "-outform", "DER", f"-{theirs}", *options, stdin=CONTENT)
        enveloped = parse_enveloped_data(octets_sent)
        content, decryption = decrypt(enveloped, recipients.ring, secrets=[SharedKey(b"\xc0\xff\xee", key)])
        assert (bytes(content), decryption.cipher) == (CONTENT, ours)
        assert decryption.identity is None
        cell(function(ours), "shared key (KEK)", peer_name(openssl), THEY, f"{ours}, {8 * octets} bits")
    with pytest.raises(NoRecipientError):
        decrypt(enveloped, recipients.ring, secrets=[SharedKey(b"other", key)])
    with pytest.raises(DecryptionError):
        decrypt(enveloped, recipients.ring, secrets=[SharedKey(b"\xc0\xff\xee", bytes(octets))])


@pytest.mark.parametrize("cipher", ["aes128", "aes192", "aes256", "des3"])
def test_openssl_encrypts_with_a_password(openssl: OpenSSL, recipients: Any, cell: Cell, cipher: str) -> None:
    """RFC 3211; OpenSSL wraps with the cipher of the content, and cannot with one that has authentication."""
    options = ("-pwri_password", "correct horse")
    octets = openssl("cms", "-encrypt", "-binary", "-outform", "DER", f"-{cipher}", *options, stdin=CONTENT)
    enveloped = parse_enveloped_data(octets)
    secrets = [Password(b"battery"), Password(b"correct horse")]
    content, decryption = decrypt(enveloped, recipients.ring, secrets=secrets)
    assert bytes(content) == CONTENT
    cell("EnvelopedData", "password (PWRI)", peer_name(openssl), THEY, decryption.cipher)
    with pytest.raises(DecryptionError):
        decrypt(enveloped, recipients.ring, secrets=secrets[:1])


def test_openssl_encrypts_with_rc2(openssl: OpenSSL, recipients: Any, cell: Cell) -> None:
    """RC2 with 128 bits is read; one with fewer is said to be not known (RFC 8551 appendix B.2)."""
    certificate, _ = recipients.issued("rsa")
    command = ("cms", "-encrypt", "-binary", "-outform", "DER", "-provider", "legacy", "-provider", "default")
    octets = openssl(*command, "-rc2-cbc", certificate, stdin=CONTENT)
    content, decryption = decrypt(parse_enveloped_data(octets), recipients.ring)
    assert (bytes(content), decryption.cipher, decryption.assessment.status) == (CONTENT, "rc2-cbc", "deprecated")
    cell("EnvelopedData", "RSA, PKCS #1 v1.5", peer_name(openssl), THEY, "rc2-cbc")
    weak = openssl(*command, "-rc2-40", certificate, stdin=CONTENT)
    with pytest.raises(UnsupportedError, match="RC2"):
        decrypt(parse_enveloped_data(weak), recipients.ring)


OUR_RECIPIENTS = [
    pytest.param("rsa", {}, id="RSA, PKCS #1 v1.5"),
    pytest.param("rsa", {"transport": KeyTransport("sha1")}, id="RSA, OAEP with SHA-1"),
    pytest.param("rsa", {"transport": KeyTransport("sha256")}, id="OAEP, SHA-256"),
    pytest.param("rsa", {"transport": KeyTransport("sha512", "sha224", b"MAIL")}, id="OAEP, SHA-512, mask, label"),
    pytest.param("p256", {}, id="ECDH, P-256"),
    pytest.param("p384", {}, id="ECDH, P-384"),
    pytest.param("p521", {}, id="ECDH, P-521"),
    pytest.param("brainpool", {}, id="ECDH, brainpoolP256r1"),
]


@pytest.mark.parametrize("by_key_identifier", [False, True], ids=["by issuer and serial number", "by key identifier"])
@pytest.mark.parametrize(("kind", "options"), OUR_RECIPIENTS)
def test_openssl_decrypts(
    openssl: OpenSSL,
    recipients: Any,
    cell: Cell,
    kind: str,
    options: dict[str, Any],
    by_key_identifier: bool,
    request: pytest.FixtureRequest,
) -> None:
    name = request.node.callspec.id.partition("-by ")[0]
    certificate, key = recipients.issued(kind)
    one = CertificateRecipient(recipients.certificates[kind], by_key_identifier=by_key_identifier, **options)
    for cipher in ("aes128-cbc", "aes192-cbc", "aes256-cbc", "aes128-gcm", "aes192-gcm", "aes256-gcm"):
        octets = b"".join(encrypt([CONTENT], [one], cipher=cipher))
        command = ("cms", "-decrypt", "-binary", "-inform", "DER", "-recip", certificate, "-inkey", key)
        assert openssl(*command, stdin=octets) == CONTENT, cipher
        cell(function(cipher), name, peer_name(openssl), WE, f"{cipher}, {by_key_identifier}")


def test_openssl_decrypts_with_shared_secrets(openssl: OpenSSL, recipients: Any, cell: Cell) -> None:
    everybody = [
        CertificateRecipient(recipients.certificates["rsa"]),
        CertificateRecipient(recipients.certificates["p384"]),
        SharedKey(b"\xc0\xff\xee", bytes(range(32))),
        Password(b"correct horse"),
    ]
    peer = peer_name(openssl)
    for cipher in ("aes128-cbc", "aes192-cbc", "aes256-cbc", "aes128-gcm", "aes192-gcm", "aes256-gcm"):
        octets = b"".join(encrypt([CONTENT], everybody, cipher=cipher))
        command = ("cms", "-decrypt", "-binary", "-inform", "DER")
        shared = ("-secretkey", bytes(range(32)).hex(), "-secretkeyid", "c0ffee")
        assert openssl(*command, *shared, stdin=octets) == CONTENT
        cell(function(cipher), "shared key (KEK)", peer, WE, cipher)
        assert openssl(*command, "-pwri_password", "correct horse", stdin=octets) == CONTENT
        cell(function(cipher), "password (PWRI)", peer, WE, cipher)
        certificate, key = recipients.issued("p384")
        assert openssl(*command, "-recip", certificate, "-inkey", key, stdin=octets) == CONTENT
        cell(function(cipher), "several recipients", peer, WE, cipher)


def test_large_contents(openssl: OpenSSL, recipients: Any, tmp_path: Path) -> None:
    """Streamed by both sides: OpenSSL's segments of a few kilobytes, and our pieces."""
    content = bytes(range(256)) * 12_345
    certificate, key = recipients.issued("rsa")
    command = ("cms", "-encrypt", "-binary", "-stream", "-outform", "DER", "-aes-256-gcm", certificate)
    enveloped = parse_enveloped_data(openssl(*command, stdin=content))
    assert len(enveloped.pieces) > 100
    found = bytearray()
    decrypt_to(enveloped, recipients.ring, found.extend)
    assert found == content
    pieces = [content[at : at + 1000] for at in range(0, len(content), 1000)]
    (tmp_path / "ours").write_bytes(
        b"".join(encrypt(iter(pieces), [CertificateRecipient(recipients.certificates["rsa"])], length=len(content)))
    )
    options = ("-inform", "DER", "-in", str(tmp_path / "ours"), "-recip", certificate, "-inkey", key)
    assert openssl("cms", "-decrypt", "-binary", *options) == content


def test_openssl_prints_our_structures(openssl: OpenSSL, recipients: Any) -> None:
    """It reads all that we write, also where it cannot decrypt (RFC 5652 section 6.1 has the versions)."""
    versions = {"rsa": 0, "p256": 2, "x25519": 2, "ml-kem-768": 3}
    for kind, version in versions.items():
        octets = b"".join(encrypt([CONTENT], [CertificateRecipient(recipients.certificates[kind])]))
        printed = openssl("cms", "-cmsout", "-print", "-noout", "-inform", "DER", stdin=octets).decode()
        assert f"d.envelopedData: \n    version: {version}\n" in printed
    assert b"OBJECT" in openssl("asn1parse", "-inform", "DER", stdin=octets)


# -- what it cannot do as a whole, done with what it can --------------------------------------------------------


def hkdf(secret: bytes, salt: bytes, info: bytes, size: int) -> bytes:
    """RFC 5869 with SHA-256, written from the standard library alone."""
    key, found, block = hmac.digest(salt or bytes(32), secret, "sha256"), b"", b""
    while len(found) < size:
        block = hmac.digest(key, block + info + bytes((len(found) // 32 + 1,)), "sha256")
        found += block
    return found[:size]


@pytest.mark.parametrize("cipher", ["aes128-cbc", "aes192-cbc", "aes256-cbc"])
def test_a_derived_key_with_openssl_enc(openssl: OpenSSL, recipients: Any, cell: Cell, cipher: str) -> None:
    """RFC 9709: asn1crypto reads the structure, `openssl enc` unwraps and decrypts, HKDF is by the standard library."""
    key = bytes(range(32))
    octets = b"".join(encrypt([CONTENT], [SharedKey(b"kek", key)], cipher=cipher, derived=True))
    enveloped = native.ContentInfo.load(octets, strict=True)["content"]
    (recipient,) = enveloped["recipient_infos"]
    content = enveloped["encrypted_content_info"]
    algorithm = content["content_encryption_algorithm"]
    assert algorithm["algorithm"].dotted == "1.2.840.113549.1.9.16.3.31"
    inner = native.EncryptionAlgorithm.load(algorithm["parameters"].dump())
    wrapped = recipient.chosen["encrypted_key"].native
    unwrap = ("enc", "-d", "-id-aes256-wrap", "-K", key.hex(), "-iv", "a6" * 8)
    secret = openssl(*unwrap, stdin=wrapped)
    derived = hkdf(secret, b"The Cryptographic Message Syntax", inner.dump(), len(secret))
    iv = inner["parameters"].native.hex()
    name = cipher.replace("aes", "aes-")
    decrypt_it = ("enc", "-d", f"-{name}", "-K", derived.hex(), "-iv", iv)
    assert openssl(*decrypt_it, stdin=content["encrypted_content"].native) == CONTENT
    peer = f"{peer_name(openssl)} enc, asn1crypto"
    cell("EnvelopedData", "derived key (RFC 9709)", peer, WE, cipher)
    # The way back: another content under the same structure.
    other = openssl("enc", f"-{name}", "-K", derived.hex(), "-iv", iv, stdin=CONTENT[::-1])
    assert octets.count(content["encrypted_content"].native) == 1
    theirs = octets.replace(content["encrypted_content"].native, other)
    found, _ = decrypt(parse_enveloped_data(theirs), recipients.ring, secrets=[SharedKey(b"kek", key)])
    assert bytes(found) == CONTENT[::-1]
    cell("EnvelopedData", "derived key (RFC 9709)", peer, THEY, cipher)


@pytest.mark.parametrize("kind", ["x25519", "x448"])
def test_montgomery_curves_with_openssl_pkeyutl(
    openssl: OpenSSL, recipients: Any, cell: Cell, tmp_path: Path, kind: str
) -> None:
    """RFC 8418: asn1crypto reads the structure, `openssl pkeyutl` agrees on the secret, and we go on with that."""
    identity, (_, own) = recipients.identity(kind), recipients.issued(kind)
    peer = f"{peer_name(openssl)} pkeyutl, asn1crypto"

    def derive(key: str, public: bytes) -> bytes:
        (tmp_path / "peer").write_bytes(public)
        return openssl("pkeyutl", "-derive", "-inkey", key, "-peerkey", str(tmp_path / "peer"), "-peerform", "DER")

    class Ring:
        def identities(self, name: str | None = None) -> Any:
            return (identity,)

        def agree(self, who: Any, public: PublicKey) -> bytes:
            assert who == identity
            return derive(own, public.spki_der())

    for cipher in ("aes256-cbc", "aes256-gcm"):
        octets = b"".join(encrypt([CONTENT], [CertificateRecipient(recipients.certificates[kind])], cipher=cipher))
        recipient = native.ContentInfo.load(octets, strict=True)["content"]["recipient_infos"][0].chosen
        assert recipient["key_encryption_algorithm"]["algorithm"].dotted == oids.HKDF_ECDH[kind]
        content, _ = decrypt(parse_enveloped_data(octets), Ring())  # type: ignore[arg-type]
        assert bytes(content) == CONTENT
        cell(function(cipher), f"ECDH, {kind.upper()}", peer, WE, cipher)
        # An ephemeral key of theirs: what they agree on with the recipient's is what the recipient does.
        (tmp_path / "theirs").write_bytes(openssl("genpkey", "-algorithm", kind.upper()))
        public = openssl("pkey", "-in", str(tmp_path / "theirs"), "-pubout", "-outform", "DER")
        secret = derive(str(tmp_path / "theirs"), recipients.certificates[kind].spki_der)
        assert recipients.ring.agree(identity, PublicKey.from_spki_der(public)) == secret
        cell(function(cipher), f"ECDH, {kind.upper()}", peer, "it agrees on a key, so do we", cipher)


@pytest.mark.parametrize("cipher", ["aes128-ccm", "aes192-ccm", "aes256-ccm"])
def test_ccm_with_openssl_enc(openssl: OpenSSL, recipients: Any, cell: Cell, cipher: str) -> None:
    """RFC 5084: `openssl enc` has no CCM, and the two that it is made of (RFC 3610), counter mode and CBC."""
    key = bytes(range(32))
    octets = b"".join(encrypt([CONTENT], [SharedKey(b"kek", key)], cipher=cipher))
    enveloped = native.ContentInfo.load(octets, strict=True)["content"]
    wrapped = enveloped["recipient_infos"][0].chosen["encrypted_key"].native
    secret = openssl("enc", "-d", "-id-aes256-wrap", "-K", key.hex(), "-iv", "a6" * 8, stdin=wrapped).hex()
    ours = parse_enveloped_data(octets)
    nonce, tag = ours.encryption.nonce, ours.tag
    count = 15 - len(nonce)

    def ccm(content: bytes) -> tuple[bytes, bytes]:
        start = bytes((8 * (len(tag) - 2) // 2 + count - 1,)) + nonce + len(content).to_bytes(count)
        blocks = start + content + bytes(-len(content) % 16)
        size = cipher[3:6]
        mac = openssl("enc", f"-aes-{size}-cbc", "-nopad", "-K", secret, "-iv", "0" * 32, stdin=blocks)[-16:]
        first = bytes((count - 1,)) + nonce + bytes(count)
        stream = openssl("enc", f"-aes-{size}-ctr", "-K", secret, "-iv", first.hex(), stdin=mac + content)
        return stream[16:], stream[: len(tag)]

    assert ccm(CONTENT) == (b"".join(ours.pieces), tag)
    peer = f"{peer_name(openssl)} enc, asn1crypto"
    cell("AuthEnvelopedData", "shared key (KEK)", peer, WE, cipher)
    encrypted, their_tag = ccm(CONTENT[::-1])
    theirs = octets.replace(b"".join(ours.pieces), encrypted).replace(tag, their_tag)
    found, _ = decrypt(parse_enveloped_data(theirs), recipients.ring, secrets=[SharedKey(b"kek", key)])
    assert bytes(found) == CONTENT[::-1]
    cell("AuthEnvelopedData", "shared key (KEK)", peer, THEY, cipher)
