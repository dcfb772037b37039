"""What people do to encrypted mail: none of it gives another answer than the one error, or a limit."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailsec.crypto import Identity, KeyTransport, PrivateKey, PublicKey, private
from mailsec.crypto.cms import (
    LIMITS,
    CertificateRecipient,
    EnvelopedData,
    Password,
    SharedKey,
    decrypt,
    decrypt_to,
    encode,
    encrypt,
    oids,
    parse_enveloped_data,
)
from mailsec.crypto.cms.ciphers import CIPHERS, ContentEncryption
from mailsec.crypto.cms.signed import AlgorithmIdentifier
from mailsec.crypto.cms.tlv import context, read
from mailsec.errors import CMSError, DecryptionError, InputError, LimitError, NoRecipientError, UnsupportedError

CONTENT = b"Content-Type: text/html\r\n\r\n<p>The launch is on Friday.</p>\r\n" * 20
KEK = SharedKey(b"kek", bytes(range(32)))


def make(recipients: Any, kind: str = "rsa", **options: Any) -> bytes:
    return b"".join(encrypt([CONTENT], [CertificateRecipient(recipients.certificates[kind])], **options))


def fails(enveloped: EnvelopedData, ring: Any, **options: Any) -> str:
    """The sentence of the one error; nothing is released, neither in memory nor to a sink."""
    with pytest.raises(DecryptionError) as caught:
        decrypt(enveloped, ring, **options)
    released: list[bytes] = []
    with pytest.raises(DecryptionError) as again:
        decrypt_to(enveloped, ring, lambda piece: released.append(bytes(piece)), **options)
    assert released == []
    assert str(again.value) == str(caught.value)
    return str(caught.value)


def with_content(enveloped: EnvelopedData, octets: bytes) -> EnvelopedData:
    return replace(enveloped, pieces=(memoryview(octets),))


# -- EFAIL ---------------------------------------------------------------------------------------------------


def test_a_cbc_gadget_works_and_is_marked(recipients: Any) -> None:
    """RFC 8551 section 6: known plaintext in CBC can be turned into any other, between blocks of garbage.

    No reader can notice it; so what comes out is never called authenticated.
    """
    enveloped = parse_enveloped_data(make(recipients, cipher="aes256-cbc"))
    octets = bytearray(b"".join(enveloped.pieces))
    wanted = b'<img src="//e.x/'
    octets[:16] = bytes(a ^ b ^ c for a, b, c in zip(octets[:16], CONTENT[16:32], wanted, strict=True))
    content, decryption = decrypt(with_content(enveloped, bytes(octets)), recipients.ring)
    assert bytes(content)[16:32] == wanted
    assert not decryption.authenticated
    assert decryption.assessment.status == "deprecated"


@pytest.mark.parametrize("cipher", sorted(name for name, cipher in CIPHERS.items() if cipher.authenticated))
@pytest.mark.parametrize("kind", ["rsa", "p256", "ml-kem-768"])
def test_no_octet_of_an_authenticated_content_is_released_when_one_was_changed(
    recipients: Any, kind: str, cipher: str
) -> None:
    """RFC 5083 section 2.2: content, tag and nonce."""
    enveloped = parse_enveloped_data(make(recipients, kind, cipher=cipher))
    octets = b"".join(enveloped.pieces)
    said = set()
    for at in (0, len(octets) // 2, len(octets) - 1):
        changed = bytearray(octets)
        changed[at] ^= 1
        said.add(fails(with_content(enveloped, bytes(changed)), recipients.ring))
    said.add(fails(with_content(enveloped, octets[:-1]), recipients.ring))
    said.add(fails(with_content(enveloped, b""), recipients.ring))
    said.add(fails(replace(enveloped, tag=bytes(16)), recipients.ring))
    parameters = bytearray(enveloped.algorithm.parameters)
    parameters[6] ^= 1  # an octet of the nonce
    said.add(
        fails(replace(enveloped, algorithm=replace(enveloped.algorithm, parameters=bytes(parameters))), recipients.ring)
    )
    assert len(said) == 1


def test_authenticated_attributes_are_authenticated(recipients: Any) -> None:
    """RFC 5083 section 2.1: they must state the type of the content, and the tag covers them."""
    octets = make(recipients, cipher="aes128-gcm", content_type=oids.SIGNED_DATA)
    enveloped = parse_enveloped_data(octets)
    assert decrypt(enveloped, recipients.ring)[1].content_type == oids.SIGNED_DATA
    fails(replace(enveloped, aad=b""), recipients.ring)
    fails(replace(enveloped, aad=enveloped.aad.replace(b"\x07\x02", b"\x07\x01")), recipients.ring)
    # another type where only one of the two is changed is visible without a key
    first = octets.index(encode.oid(oids.SIGNED_DATA)) + 10
    with pytest.raises(CMSError, match="do not state the type"):
        parse_enveloped_data(octets[:first] + b"\x01" + octets[first + 1 :])


# -- one algorithm passed off as another ---------------------------------------------------------------------


def relabelled(recipients: Any, *, derived: bool) -> tuple[EnvelopedData, bytes]:
    """An AuthEnvelopedData by AES-GCM, sent again as EnvelopedData by AES-CBC (RFC 9709 section 1)."""
    enveloped = parse_enveloped_data(make(recipients, cipher="aes256-gcm", derived=derived))
    encryption = enveloped.encryption
    # The attacker guesses the counter block, which turns CBC's decryption into an answer whether he guessed right.
    counter = encryption.nonce + (2).to_bytes(4)
    identifier = AlgorithmIdentifier(CIPHERS["aes256-cbc"].oid, encode.octet_string(bytes(16)))
    if derived:
        identifier = AlgorithmIdentifier(oids.CEK_HKDF_SHA256, identifier.der)
    guess = b"".join(enveloped.pieces)[:16]
    forged = replace(
        enveloped, authenticated=False, algorithm=identifier, tag=b"", pieces=(memoryview(guess + counter + guess),)
    )
    return forged, CONTENT


@pytest.mark.parametrize("derived", [False, True], ids=["key as it is", "key derived, RFC 9709"])
def test_gcm_passed_off_as_cbc_gives_no_plaintext(recipients: Any, derived: bool) -> None:
    forged, content = relabelled(recipients, derived=derived)
    try:
        found, decryption = decrypt(forged, recipients.ring)
    except DecryptionError:
        return
    assert not decryption.authenticated
    assert content[:8] not in bytes(found)


def test_a_derived_key_is_another_key_for_each_algorithm(recipients: Any) -> None:
    """RFC 9709 section 2: who changes the identifier changes the key."""
    enveloped = parse_enveloped_data(make(recipients, cipher="aes256-gcm", derived=True))
    assert bytes(decrypt(enveloped, recipients.ring)[0]) == CONTENT
    inner = enveloped.encryption.identifier
    fails(replace(enveloped, algorithm=AlgorithmIdentifier.of(read(inner))), recipients.ring)


@pytest.mark.parametrize("cipher", ["aes256-cbc", "aes256-gcm"])
def test_a_cipher_stands_only_where_it_belongs(recipients: Any, cipher: str) -> None:
    enveloped = parse_enveloped_data(make(recipients, cipher=cipher))
    with pytest.raises(UnsupportedError, match=f"{cipher} is no cipher for"):
        decrypt(replace(enveloped, authenticated=not enveloped.authenticated), recipients.ring)


@pytest.mark.parametrize(
    ("cipher", "octets"), [("aes128-gcm", 4), ("aes128-gcm", 11), ("aes128-ccm", 4), ("aes128-ccm", 6)]
)
def test_short_tags_are_not_taken(cipher: str, octets: int) -> None:
    """RFC 5084 section 3.2 allows 12 to 16 octets for GCM; what CCM allows below 8 is guessed too easily."""
    parameters = encode.sequence(encode.octet_string(bytes(12)), encode.integer(octets))
    with pytest.raises(UnsupportedError, match=f"tag of {octets} octets"):
        ContentEncryption.read(AlgorithmIdentifier(CIPHERS[cipher].oid, parameters))


# -- Bleichenbacher and Manger -------------------------------------------------------------------------------


def pkcs1(key: PublicKey, block: bytes) -> bytes:
    """RSA without any padding of its own, to make what no honest sender makes."""
    numbers = key.native.public_numbers()
    size = (key.bits + 7) // 8
    return pow(int.from_bytes(block.rjust(size, b"\0")), numbers.e, numbers.n).to_bytes(size)


def bad_blocks(key: bytes, size: int) -> Iterator[tuple[str, bytes]]:
    """Blocks as in the attacks on PKCS #1 v1.5, with the right key in them where that matters."""

    def block(start: bytes, secret: bytes, end: bytes = b"\0") -> bytes:
        filling = size - len(start) - len(secret) - len(end)
        return start + b"\xaa" * filling + end + secret

    yield "block type 1", block(b"\0\x01", key)
    yield "no leading zero", block(b"\x02\x02", key)
    yield "no separator", block(b"\0\x02", key, b"\xaa")
    yield "zero among the padding", b"\0\x02\xaa\xaa\0" + block(b"", key)[5:]
    yield "a key that is too short", block(b"\0\x02", key[:-1])
    yield "a key that is too long", block(b"\0\x02", key + b"!")
    yield "an empty key", block(b"\0\x02", b"")
    yield "all zero", bytes(size)


def test_a_padding_oracle_learns_nothing(recipients: Any) -> None:
    """RFC 3218: wrong padding, wrong length and a wrong key end in the same error, by the same operations."""
    enveloped = parse_enveloped_data(make(recipients, cipher="aes256-gcm"))
    (info,) = enveloped.recipients
    public = recipients.certificates["rsa"].public_key
    (key,) = {recipients.ring.decrypt_key(recipients.identity("rsa"), KeyTransport(), info.encrypted_key, 32)}
    calls: list[tuple[int, int]] = []

    class Counting:
        def identities(self, name: str | None = None) -> Any:
            return recipients.ring.identities(name)

        def decrypt_key(self, identity: Identity, scheme: KeyTransport, octets: bytes, length: int) -> bytes:
            found = recipients.ring.decrypt_key(identity, scheme, octets, length)
            calls.append((length, len(found)))
            return found

    said = set()
    cases = list(bad_blocks(key, 256))
    encrypted = [pkcs1(public, block) for _, block in cases]
    encrypted += [b"", b"\xff" * 256, info.encrypted_key[:-1], info.encrypted_key + b"\0", os.urandom(256)]
    for octets in encrypted:
        said.add(fails(replace(enveloped, recipients=(replace(info, encrypted_key=octets),)), Counting()))
    assert len(said) == 1
    assert set(calls) == {(32, 32)}
    right = b"\0\x02" + b"\xaa" * (256 - 2 - 1 - 32) + b"\0" + key
    good = replace(enveloped, recipients=(replace(info, encrypted_key=pkcs1(public, right)),))
    assert bytes(decrypt(good, Counting())[0]) == CONTENT  # type: ignore[arg-type]


def test_the_way_to_a_key_is_always_the_same(recipients: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in for a key is made before it is known whether it is needed, and chosen without a branch."""
    steps: list[tuple[str, int]] = []

    def watched(name: str) -> None:
        function = getattr(private, name)

        def call(*arguments: Any) -> bytes:
            found: bytes = function(*arguments)
            steps.append((name, len(found)))
            return found

        monkeypatch.setattr(private, name, call)

    watched("stand_in")
    watched("choose")
    ring, identity = recipients.ring, recipients.identity("rsa")
    public = recipients.certificates["rsa"].public_key
    key = bytes(range(32))
    right = public.encrypt_key(key, KeyTransport())
    assert ring.decrypt_key(identity, KeyTransport(), right, 32) == key
    for octets in (right, *(pkcs1(public, block) for _, block in bad_blocks(key, 256)), b"", b"\xff" * 256):
        steps.clear()
        assert len(ring.decrypt_key(identity, KeyTransport(), octets, 32)) == 32
        assert steps == [("stand_in", 32), ("choose", 32)]


def test_a_message_that_is_sent_again_ends_as_before(recipients: Any) -> None:
    """With CBC one wrong key in 256 gives a right padding: were it another each time, repeating would tell.

    Each wrong padding is decrypted many times; whatever comes of it the first time comes of it every time, as it
    does of an encrypted key that is right and of the wrong length.
    """
    enveloped = parse_enveloped_data(make(recipients, cipher="aes128-cbc"))
    (info,) = enveloped.recipients
    public = recipients.certificates["rsa"].public_key
    key = recipients.ring.decrypt_key(recipients.identity("rsa"), KeyTransport(), info.encrypted_key, 16)
    block = with_content(enveloped, bytes(32))

    def ends(octets: bytes) -> str:
        try:
            return bytes(
                decrypt(replace(block, recipients=(replace(info, encrypted_key=octets),)), recipients.ring)[0]
            ).hex()
        except DecryptionError as error:
            return str(error)

    for name, wrong in bad_blocks(key, 256):
        assert len({ends(pkcs1(public, wrong)) for _ in range(50)}) == 1, name
    # Among many wrong keys some give a right padding, which is what an attacker would have looked for.
    several = [ends(pkcs1(public, bytes([0, 1]) + number.to_bytes(254))) for number in range(3000)]
    assert any(len(end) == 2 * 31 for end in several)
    assert several[:50] == [ends(pkcs1(public, bytes([0, 1]) + number.to_bytes(254))) for number in range(50)]


@pytest.mark.parametrize("scheme", [KeyTransport(), KeyTransport("sha1"), KeyTransport("sha256", label=b"x")])
def test_key_rings_always_give_a_key(recipients: Any, scheme: KeyTransport) -> None:
    """Implicit rejection: as many octets as asked for, the same for the same octets, others for others."""
    ring, identity = recipients.ring, recipients.identity("rsa")
    found = set()
    for octets in (b"", b"\0" * 256, b"\x01" * 256, b"\xff" * 256, b"\x01" * 255, b"\x01" * 4000):
        once, again = (ring.decrypt_key(identity, scheme, octets, 24) for _ in range(2))
        assert (len(once), once) == (24, again)
        found.add(once)
    assert len(found) == 6
    # Another key of the same owner, and the same key loaded once more.
    other = ring.decrypt_key(recipients.identity("rsa-too"), scheme, b"\x01" * 256, 24)
    assert other not in found
    reloaded = PrivateKey.load((recipients.folder / "rsa.key").read_bytes())
    assert reloaded.decrypt_key(b"\x01" * 256, scheme, 24) in found
    encrypted = recipients.certificates["rsa"].public_key.encrypt_key(b"k" * 16, scheme)
    assert ring.decrypt_key(identity, scheme, encrypted, 16) == b"k" * 16
    assert len(ring.decrypt_key(identity, scheme, encrypted, 24)) == 24


def test_oaep_fails_alike(recipients: Any) -> None:
    """Manger's attack wants to know whether the first octet was zero."""
    one = CertificateRecipient(recipients.certificates["rsa"], KeyTransport("sha256"))
    enveloped = parse_enveloped_data(b"".join(encrypt([CONTENT], [one], cipher="aes128-gcm")))
    (info,) = enveloped.recipients
    public = recipients.certificates["rsa"].public_key
    said = {
        fails(replace(enveloped, recipients=(replace(info, encrypted_key=octets),)), recipients.ring)
        for octets in (pkcs1(public, b"\0" + b"\x11" * 255), pkcs1(public, b"\x01" + b"\x11" * 255), b"\0" * 256)
    }
    assert len(said) == 1


@pytest.mark.parametrize("kind", ["p256", "x25519", "ml-kem-768"])
def test_wrong_keys_of_other_kinds_fail_alike(recipients: Any, kind: str) -> None:
    enveloped = parse_enveloped_data(make(recipients, kind, cipher="aes256-gcm"))
    rsa = parse_enveloped_data(make(recipients, cipher="aes256-gcm"))
    expected = fails(replace(rsa, tag=bytes(16)), recipients.ring)
    (info,) = enveloped.recipients
    if kind == "ml-kem-768":
        changed = [replace(info, ciphertext=bytes(1088)), replace(info, ciphertext=b"x"), replace(info, ukm=b"x")]
        changed.append(replace(info, encrypted_key=b""))
    else:
        ((rid, wrapped),) = info.encrypted_keys
        changed = [replace(info, encrypted_keys=((rid, other),)) for other in (wrapped[::-1], b"", wrapped + wrapped)]
        changed.append(replace(info, ukm=b"x"))
        if kind == "x25519":  # a point of low order gives the secret zero, which RFC 8418 section 2 forbids
            changed.append(replace(info, originator=replace(info.originator, octets=bytes(32))))
    assert {fails(replace(enveloped, recipients=(one,)), recipients.ring) for one in changed} == {expected}


def test_points_off_the_curve_are_malformed(recipients: Any) -> None:
    """Visible without a key, so it may be said; what the key would give for it is never computed."""
    enveloped = parse_enveloped_data(make(recipients, "p256"))
    (info,) = enveloped.recipients
    off = replace(info.originator, octets=b"\x04" + b"\x01" * 64)
    with pytest.raises(CMSError, match="no key on the curve"):
        decrypt(replace(enveloped, recipients=(replace(info, originator=off),)), recipients.ring)
    other = replace(info.originator, algorithm=AlgorithmIdentifier("1.3.101.110", b""))
    with pytest.raises(UnsupportedError, match="another kind"):
        decrypt(replace(enveloped, recipients=(replace(info, originator=other),)), recipients.ring)


def test_cbc_padding_fails_like_a_tag(recipients: Any) -> None:
    """Vaudenay's oracle: every wrong padding is the one error, whatever is wrong with it."""
    enveloped = parse_enveloped_data(make(recipients, cipher="aes128-cbc"))
    octets = b"".join(enveloped.pieces)
    last = len(CONTENT) // 16 * 16
    assert last == len(octets) - 16
    count = 16 - len(CONTENT) % 16
    said = set()
    for padding in (0, 17, 255, count ^ 0x40):
        changed = bytearray(octets)
        changed[last - 1] ^= count ^ padding
        said.add(fails(with_content(enveloped, bytes(changed)), recipients.ring))
    assert len(said) == 1
    with pytest.raises(CMSError, match="whole blocks"):
        decrypt(with_content(enveloped, octets[:-1]), recipients.ring)


# -- costs ---------------------------------------------------------------------------------------------------


def test_iterations_of_a_password_are_limited(recipients: Any) -> None:
    octets = b"".join(encrypt([CONTENT], [Password(b"x")]))
    spot = encode.integer(600_000)
    assert octets.count(spot) == 1
    enveloped = parse_enveloped_data(octets.replace(spot, b"\x02\x03\x7f\xff\xff"))
    with pytest.raises(LimitError, match="8388607 iterations"):
        decrypt(enveloped, recipients.ring, secrets=[Password(b"x")])
    enveloped = parse_enveloped_data(octets)
    with pytest.raises(LimitError, match="iterations"):  # all of them together, before the first is tried
        decrypt(enveloped, recipients.ring, secrets=[Password(b"%d" % number) for number in range(9)])


def test_recipients_are_limited(recipients: Any) -> None:
    enveloped = parse_enveloped_data(make(recipients))
    with pytest.raises(LimitError, match="more than 8 of the recipients"):
        decrypt(replace(enveloped, recipients=enveloped.recipients * 9), recipients.ring)
    many = [SharedKey(b"%d" % number, bytes(32)) for number in range(1001)]
    with pytest.raises(LimitError, match="more than 1000 recipients"):
        parse_enveloped_data(b"".join(encrypt([CONTENT], many)))


def test_several_of_ones_keys_are_tried(recipients: Any) -> None:
    """A wrong one before the right one costs nothing but time, even where nothing is authenticated."""
    for cipher in ("aes128-cbc", "aes128-gcm"):
        both = [CertificateRecipient(recipients.certificates[kind]) for kind in ("p384", "rsa")]
        enveloped = parse_enveloped_data(b"".join(encrypt([CONTENT], both, cipher=cipher)))
        (index,) = [i for i, one in enumerate(enveloped.recipients) if hasattr(one, "encrypted_keys")]
        agreed = enveloped.recipients[index]
        ((rid, wrapped),) = agreed.encrypted_keys  # type: ignore[union-attr]
        broken = replace(agreed, encrypted_keys=((rid, wrapped[::-1]),))  # type: ignore[call-arg]
        for order in ((broken, enveloped.recipients[1 - index]), (enveloped.recipients[1 - index], broken)):
            content, decryption = decrypt(replace(enveloped, recipients=order), recipients.ring)
            assert bytes(content) == CONTENT
            assert decryption.identity == recipients.identity("rsa")


def test_what_unwraps_wrongly_is_never_taken(recipients: Any) -> None:
    """With CBC one random key in 256 gives a right padding: a key that did not unwrap does not count all the same."""
    enveloped = parse_enveloped_data(b"".join(encrypt([b"x"], [KEK], cipher="aes128-cbc")))
    wrong = SharedKey(KEK.identifier, bytes(32))
    for _ in range(1500):
        with pytest.raises(DecryptionError):
            decrypt(enveloped, recipients.ring, secrets=[wrong])


def test_other_sizes_than_stated(recipients: Any) -> None:
    """Lengths that lie: over the end, into each other, of keys and of tags."""
    octets = make(recipients, cipher="aes256-gcm")
    with pytest.raises(CMSError):
        parse_enveloped_data(octets[:-1])
    with pytest.raises(CMSError):
        parse_enveloped_data(octets + b"\0")
    enveloped = parse_enveloped_data(octets)
    with pytest.raises(CMSError, match="tag has not the size"):
        decrypt(replace(enveloped, tag=b"12345678"), recipients.ring)
    big = encode.octet_string(bytes(LIMITS.key_octets + 1))
    recipient = encode.sequence(
        encode.integer(2), encode.primitive(context(0), b"id"), encode.sequence(encode.oid(oids.RSA)), big
    )
    structure = encode.sequence(encode.integer(0), encode.set_of([recipient]), encode.sequence())
    info = encode.sequence(encode.oid(oids.ENVELOPED_DATA), encode.constructed(context(0), structure))
    with pytest.raises(LimitError, match="where a key should be"):
        parse_enveloped_data(info)


def test_nobody_who_is_no_recipient_is_asked_for_a_key(recipients: Any) -> None:
    class Untouchable:
        def identities(self, name: str | None = None) -> Any:
            return (recipients.identity("rsa-too"), Identity("x@example.org", "rsa"))

        def __getattr__(self, name: str) -> Callable[..., bytes]:
            raise AssertionError(name)

    with pytest.raises(NoRecipientError):
        decrypt(parse_enveloped_data(make(recipients)), Untouchable())  # type: ignore[arg-type]


@settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], max_examples=400, deadline=None
)
@given(data=st.data())
def test_damaged_structures_end_in_an_error_or_in_what_was_sent(recipients: Any, data: st.DataObject) -> None:
    """Whatever is changed in an AuthEnvelopedData, its content comes out as it was, or not at all."""
    kind = data.draw(st.sampled_from(["rsa", "p256", "x25519", "ml-kem-768"]))
    octets = bytearray(sent(recipients, kind))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(octets) - 1))
        change = data.draw(st.sampled_from(["set", "cut", "insert", "delete", "repeat"]))
        if change == "set":
            octets[at] = data.draw(st.integers(0, 255))
        elif change == "cut":
            del octets[max(at, 1) :]
        elif change == "insert":
            octets[at:at] = data.draw(st.sampled_from([b"\x30\x80", b"\0\0", b"\x24\x80", b"\xff", b"\x04\x00"]))
        elif change == "delete":
            del octets[at : at + data.draw(st.integers(1, 40))]
        else:
            octets[at:at] = octets[at : at + 60]
        if not octets:
            return
    try:
        content, decryption = decrypt(parse_enveloped_data(bytes(octets)), recipients.ring)
    except InputError:
        return
    assert bytes(content) == CONTENT
    assert decryption.authenticated


_sent: dict[str, bytes] = {}


def sent(recipients: Any, kind: str) -> bytes:
    if kind not in _sent:
        _sent[kind] = make(recipients, kind, cipher="aes256-gcm")
    return _sent[kind]
