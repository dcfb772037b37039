"""Making encrypted structures: every recipient with every cipher, in pieces, and what is refused."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailsec.crypto import RSAES_OAEP_SHA256, Certificate, KeyTransport, PrivateKey, Status, assess_content_encryption
from mailsec.crypto.cms import (
    CIPHERS,
    CertificateRecipient,
    KEKRecipientInfo,
    KeyAgreeRecipientInfo,
    KeyTransRecipientInfo,
    OtherRecipientInfo,
    Password,
    SharedKey,
    SubjectKeyIdentifier,
    decrypt,
    decrypt_to,
    encode,
    encrypt,
    find_recipients,
    oids,
    parse_enveloped_data,
    wraps,
)
from mailsec.crypto.cms.recipients import read_recipients
from mailsec.crypto.cms.signed import AlgorithmIdentifier
from mailsec.crypto.cms.tlv import context, read
from mailsec.crypto.issue import issue, make_authority
from mailsec.crypto.private import KeyKind
from mailsec.errors import CMSError, KeyFileError, UnsupportedError, UsageError
from mailsec.hooks import KeyRing
from mailsec.pipeline import NO_KEYS
from mailsec.testing import make_context

CONTENT = b"Content-Type: text/plain\r\n\r\nHello, world.\r\n"
WRITTEN = sorted(name for name in CIPHERS if assess_content_encryption(name, writing=True).status != "refused")
KINDS = ["rsa", "p256", "p384", "p521", "brainpool", "x25519", "x448", "ml-kem-768", "ml-kem-1024"]
START = datetime(2026, 1, 1, tzinfo=UTC)
END = START + timedelta(days=30)
KEK = SharedKey(b"kek", bytes(range(32)))


@pytest.mark.parametrize("cipher", WRITTEN)
@pytest.mark.parametrize("kind", KINDS)
def test_every_recipient_with_every_cipher(recipients: Any, kind: str, cipher: str) -> None:
    """RFC 5652, 5083, 5084, 5753, 8103, 8418, 9629, 9936; with the key as it is and derived by RFC 9709."""
    for by_key_identifier in (False, True):
        one = CertificateRecipient(recipients.certificates[kind], by_key_identifier=by_key_identifier)
        for derived in (False, True):
            octets = b"".join(encrypt([CONTENT], [one], cipher=cipher, derived=derived))
            enveloped = parse_enveloped_data(octets)
            assert (enveloped.algorithm.oid == oids.CEK_HKDF_SHA256) == derived
            content, decryption = decrypt(enveloped, recipients.ring)
            assert bytes(content) == CONTENT
            assert decryption.identity == recipients.identity(kind)
            assert decryption.cipher == cipher
            assert decryption.authenticated == enveloped.authenticated == CIPHERS[cipher].authenticated


def test_shared_keys_and_passwords(recipients: Any) -> None:
    """RFC 5652 sections 6.2.3 and 6.2.4."""
    for octets in (16, 24, 32):
        shared = SharedKey(b"id", os.urandom(octets))
        enveloped = parse_enveloped_data(b"".join(encrypt([CONTENT], [shared], cipher=f"aes{8 * octets}-gcm")))
        assert isinstance(enveloped.recipients[0], KEKRecipientInfo)
        assert bytes(decrypt(enveloped, recipients.ring, secrets=[shared])[0]) == CONTENT
    password = Password("Grüße".encode())
    enveloped = parse_enveloped_data(b"".join(encrypt([CONTENT], [password], cipher="aes192-gcm")))
    content, decryption = decrypt(enveloped, recipients.ring, secrets=[SharedKey(b"", bytes(16)), password])
    assert (bytes(content), decryption.identity) == (CONTENT, None)
    assert "Gr" not in repr(password)
    assert "00" not in repr(SharedKey(b"", bytes(16)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(data=st.data())
def test_pieces_make_no_difference(recipients: Any, data: st.DataObject) -> None:
    """Content in any pieces, taken in any pieces, is the content."""
    content = os.urandom(data.draw(st.sampled_from([0, 1, 15, 16, 17, 4096, 262_143, 262_144, 262_145, 600_000])))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=4)))
    pieces = [content[a:b] for a, b in zip([0, *cuts], [*cuts, len(content)], strict=True)]
    cipher = data.draw(st.sampled_from(WRITTEN))
    octets = b"".join(encrypt(iter(pieces), [SharedKey(b"k", bytes(32))], cipher=cipher, length=len(content)))
    enveloped = parse_enveloped_data(octets)
    secrets = [SharedKey(b"k", bytes(32))]
    found, decryption = decrypt(enveloped, recipients.ring, secrets=secrets)
    assert bytes(found) == content
    taken = bytearray()
    assert decrypt_to(enveloped, recipients.ring, taken.extend, secrets=secrets) == decryption
    assert (taken, decryption.size) == (content, len(content))


def test_files_are_encrypted_and_decrypted_in_pieces(recipients: Any, tmp_path: Path) -> None:
    content = os.urandom(1 << 20) * 3
    (tmp_path / "content").write_bytes(content)
    one = CertificateRecipient(recipients.certificates["p256"])
    with (
        (tmp_path / "content").open("rb") as source,
        mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ) as view,
        (tmp_path / "sent").open("wb") as target,
    ):
        target.writelines(encrypt([view], [one], cipher="aes256-gcm"))
    with (tmp_path / "sent").open("rb") as source, mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ) as view:
        found = bytearray()
        enveloped = parse_enveloped_data(view)
        assert decrypt_to(enveloped, recipients.ring, found.extend).size == len(content)
        del enveloped
    assert found == content


def test_every_message_has_keys_of_its_own(recipients: Any) -> None:
    everybody = [CertificateRecipient(recipients.certificates[kind]) for kind in ("rsa", "p256", "x25519")]
    first, second = (parse_enveloped_data(b"".join(encrypt([CONTENT], everybody, cipher="aes256-gcm"))) for _ in "12")
    assert first.algorithm != second.algorithm
    assert b"".join(first.pieces) != b"".join(second.pieces)
    assert not set(first.recipients) & set(second.recipients)
    originators = [one.originator for one in first.recipients if isinstance(one, KeyAgreeRecipientInfo)]
    assert len({one.octets for one in originators if one}) == 2


def test_randomness_comes_from_where_one_says(recipients: Any) -> None:
    asked: list[int] = []

    def random(size: int) -> bytes:
        asked.append(size)
        return bytes([len(asked)]) * size

    shared = SharedKey(b"k", bytes(32))
    octets = [b"".join(encrypt([CONTENT], [shared], cipher="aes256-gcm", random=random)) for _ in range(2)]
    assert asked == [12, 32, 12, 32], "a nonce and a key for each message"
    assert octets[0] != octets[1]
    with pytest.raises(UsageError, match="not as many octets"):
        encrypt([CONTENT], [shared], random=lambda size: b"x" * (size // 16))


@pytest.mark.parametrize(
    ("cipher", "kind", "expected"),
    [
        ("aes128-cbc", "p256", 16),
        ("aes192-cbc", "p256", 24),
        ("aes256-gcm", "p256", 32),
        ("chacha20-poly1305", "x25519", 32),
    ],
)
def test_a_key_is_wrapped_by_one_as_long(recipients: Any, cipher: str, kind: str, expected: int) -> None:
    """RFC 5753 section 8."""
    octets = b"".join(encrypt([CONTENT], [CertificateRecipient(recipients.certificates[kind])], cipher=cipher))
    (info,) = parse_enveloped_data(octets).recipients
    assert isinstance(info, KeyAgreeRecipientInfo)
    assert info.algorithm.parameters.hex().endswith({16: "05", 24: "19", 32: "2d"}[expected])


def test_the_transport_is_the_one_asked_for(recipients: Any) -> None:
    """RFC 8551 section 2.3: PKCS #1 v1.5 for everybody, OAEP for those who understand it."""
    for transport, oid in ((KeyTransport(), oids.RSA), (RSAES_OAEP_SHA256, oids.RSAES_OAEP)):
        one = CertificateRecipient(recipients.certificates["rsa"], transport, by_key_identifier=True)
        enveloped = parse_enveloped_data(b"".join(encrypt([CONTENT], [one], cipher="aes256-gcm")))
        (info,) = enveloped.recipients
        assert isinstance(info, KeyTransRecipientInfo)
        assert info.algorithm.oid == oid
        assert isinstance(info.rid, SubjectKeyIdentifier)
        status = decrypt(enveloped, recipients.ring)[1].assessment.status
        assert status is (Status.DEPRECATED if oid == oids.RSA else Status.ACCEPTED)


@pytest.mark.parametrize("cipher", ["des-ede3-cbc", "rc2-cbc", "rot13", ""])
def test_old_ciphers_are_not_written(recipients: Any, cipher: str) -> None:
    with pytest.raises(UsageError, match="nothing is encrypted with"):
        encrypt([CONTENT], [CertificateRecipient(recipients.certificates["rsa"])], cipher=cipher)


def issued(kind: KeyKind, bits: int = 2048, usage: tuple[str, ...] | None = None) -> Certificate:
    key = PrivateKey.generate(kind, bits=bits)
    return issue(None, "x@example.org", not_before=START, not_after=END, key=key, usage=usage).certificates[0]


@pytest.mark.parametrize(
    ("kind", "bits", "usage", "sentence"),
    [
        pytest.param("rsa", 1024, None, "RSA with 1024 bits", id="a weak key, RFC 8551 section 4.3"),
        pytest.param("ed25519", 256, None, "nothing is encrypted to keys of the kind ed25519", id="Ed25519"),
        pytest.param("dsa", 2048, None, "nothing is encrypted to keys of the kind dsa", id="DSA"),
        pytest.param("rsa", 2048, ("digitalSignature",), "is not for encryption", id="RFC 8550 section 4.4.2, RSA"),
        pytest.param("ec", 256, ("keyEncipherment",), "is not for encryption", id="RFC 8550 section 4.4.2, EC"),
        pytest.param("ml-kem-768", 0, ("keyAgreement",), "is not for encryption", id="RFC 9935 section 5, ML-KEM"),
    ],
)
def test_a_recipient_who_cannot_be_encrypted_to_is_named(
    recipients: Any, kind: KeyKind, bits: int, usage: tuple[str, ...] | None, sentence: str
) -> None:
    """Never only to the others, and never with less than was asked for."""
    if kind == "ml-kem-768":  # which signs no certificate of its own
        key, authority = PrivateKey.generate(kind), make_authority("Root", not_before=START, not_after=END)
        made = issue(authority, "x@example.org", not_before=START, not_after=END, key=key, usage=usage)
        certificate = made.certificates[0]
    else:
        certificate = issued(kind, bits, usage)
    everybody = [CertificateRecipient(recipients.certificates["rsa"]), CertificateRecipient(certificate)]
    with pytest.raises(UsageError, match=f"nothing can be encrypted to x@example.org: .*{sentence}"):
        encrypt([CONTENT], everybody)


def test_what_cannot_be_asked_for(recipients: Any) -> None:
    one = CertificateRecipient(recipients.certificates["rsa"])
    with pytest.raises(UsageError, match="nobody"):
        encrypt([CONTENT], [])
    with pytest.raises(UsageError, match="length of the content"):
        encrypt(iter([CONTENT]), [one])
    for length in (len(CONTENT) - 1, len(CONTENT) + 1):
        with pytest.raises(UsageError, match=f"not the {length} octets"):
            b"".join(encrypt(iter([CONTENT]), [one], length=length))
    with pytest.raises(UsageError, match="shorter than the key"):
        encrypt([CONTENT], [SharedKey(b"k", bytes(16))], cipher="aes256-gcm")
    with pytest.raises(UsageError, match="16, 24 or 32 octets"):
        SharedKey(b"k", b"x")
    with pytest.raises(UsageError, match="1 to 1024 octets"):
        Password(b"")
    no_identifier = issue(None, "x@example.org", not_before=START, not_after=END, identifiers=False)
    with pytest.raises(UsageError, match="has none"):
        encrypt([CONTENT], [CertificateRecipient(no_identifier.certificates[0], by_key_identifier=True)])
    with pytest.raises(UsageError, match="neither a mask nor a label"):
        KeyTransport(label=b"x")
    with pytest.raises(UsageError, match="md5"):
        KeyTransport("md5")


# -- what others write and we do not -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["x25519", "x448"])
@pytest.mark.parametrize("digest", ["sha256", "sha512"])
def test_montgomery_keys_with_the_older_derivation(recipients: Any, kind: KeyKind, digest: str) -> None:
    """RFC 8418 section 2.1: ANSI-X9.63-KDF, here with user keying material."""
    certificate = recipients.certificates[kind]
    octets = b"".join(encrypt([CONTENT], [CertificateRecipient(certificate), KEK], cipher="aes256-gcm"))
    enveloped = parse_enveloped_data(octets)
    (agreed,) = [one for one in enveloped.recipients if isinstance(one, KeyAgreeRecipientInfo)]
    (shared,) = [one for one in enveloped.recipients if isinstance(one, KEKRecipientInfo)]
    key = wraps.unwrap(shared.algorithm, KEK.key, shared.encrypted_key)
    assert key is not None
    ephemeral = PrivateKey.generate(kind)
    wrapping = wraps.wrap_algorithm(32)
    kek = wraps.agreed_key("x963", digest, ephemeral.agree(certificate.public_key), b"ukm", wrapping)
    assert agreed.originator is not None
    older = replace(
        agreed,
        originator=replace(agreed.originator, octets=ephemeral.public_key.raw()),
        ukm=b"ukm",
        algorithm=AlgorithmIdentifier(oids.STANDARD_ECDH[digest], wrapping.der),
        encrypted_keys=((agreed.encrypted_keys[0][0], wraps.wrap(kek, key)),),
    )
    content, _ = decrypt(replace(enveloped, recipients=(older,)), recipients.ring)
    assert bytes(content) == CONTENT


def test_recipients_of_unknown_kinds_harm_nobody_else(recipients: Any) -> None:
    """RFC 5652 section 6.2.5; and keys of an originator who has a certificate, which we do not support."""
    octets = b"".join(encrypt([CONTENT], [CertificateRecipient(recipients.certificates["p256"]), KEK]))
    enveloped = parse_enveloped_data(octets)
    (agreed,) = [one for one in enveloped.recipients if isinstance(one, KeyAgreeRecipientInfo)]
    static = replace(enveloped, recipients=(OtherRecipientInfo("1.2.3"), replace(agreed, originator=None)))
    with pytest.raises(UnsupportedError, match="not made for the message"):
        decrypt(static, recipients.ring)
    both = replace(enveloped, recipients=(*static.recipients, *enveloped.recipients))
    assert bytes(decrypt(both, recipients.ring, secrets=[KEK])[0]) == CONTENT
    assert find_recipients(static, recipients.ring.identities()) == (recipients.identity("p256"),)


def test_the_choices_of_a_recipient_info(recipients: Any) -> None:
    """The other choices in their form (RFC 5652 sections 6.2.2, 6.2.3 and 6.2.5), which openssl does not write."""
    name = recipients.certificates["rsa"].issuer_der
    by_certificate = encode.constructed(
        context(1),
        encode.integer(3),
        encode.constructed(context(0), encode.sequence(name, encode.integer(1))),
        encode.sequence(encode.oid("1.2.3")),
        encode.sequence(),
    )
    other = encode.constructed(context(4), encode.oid("1.2.3"), encode.NULL)
    strange = encode.constructed(context(9), encode.NULL)
    dated = encode.constructed(
        context(2),
        encode.integer(4),
        encode.sequence(encode.octet_string(b"kek"), encode.time(START)),
        wraps.wrap_algorithm(32).der,
        encode.octet_string(b""),
    )
    found = read_recipients(read(encode.set_of((by_certificate, other, strange, dated))))
    kinds = sorted(type(one).__name__ for one in found)
    assert kinds == ["KEKRecipientInfo", "KeyAgreeRecipientInfo", "OtherRecipientInfo", "OtherRecipientInfo"]
    with pytest.raises(CMSError, match="no recipients"):
        read_recipients(read(encode.set_of(())))
    with pytest.raises(CMSError, match="something that is none"):
        read_recipients(read(encode.set_of((encode.integer(1),))))


def test_a_key_ring_that_cannot_use_its_key_says_so(recipients: Any) -> None:
    """A token that was taken out is not a damaged message."""

    class TakenOut:
        def identities(self, name: str | None = None) -> Any:
            return recipients.ring.identities(name)

        def decrypt_key(self, *_: Any) -> bytes:
            raise KeyFileError("the token is gone")

    ring: Any = TakenOut()
    everybody = [CertificateRecipient(recipients.certificates["rsa"]), KEK]
    enveloped = parse_enveloped_data(b"".join(encrypt([CONTENT], everybody)))
    with pytest.raises(KeyFileError, match="the token is gone"):
        decrypt(enveloped, ring)
    assert bytes(decrypt(enveloped, ring, secrets=[KEK])[0]) == CONTENT


@pytest.mark.parametrize("ring", [NO_KEYS, make_context().keys], ids=["of the runner", "of a test"])
def test_rings_without_keys(ring: KeyRing, recipients: Any) -> None:
    identity = recipients.identity("rsa")
    for use in (
        lambda: ring.decrypt_key(identity, KeyTransport(), b"", 16),
        lambda: ring.agree(identity, recipients.certificates["p256"].public_key),
        lambda: ring.decapsulate(identity, b""),
    ):
        with pytest.raises(KeyFileError, match=r"rsa@example\.org"):
            use()


def test_verifying_signatures_loads_nothing_that_encrypts() -> None:
    """What a program does not use costs it no time at its start."""
    code = (
        "import sys; from mailsec.crypto.cms import verify_signer\n"
        "print('mailsec.crypto.cms.ciphers' in sys.modules)\n"
        "from mailsec.crypto.cms import *\n"
        "print('mailsec.crypto.cms.ciphers' in sys.modules, callable(encrypt), callable(decrypt))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60)
    assert done.stdout.split() == [b"False", b"True", b"True", b"True"]
