"""Files into keys and certificates, and what a certificate can be trusted for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mailsec.crypto import Certificate, PrivateIdentity, PrivateKey, describe_key
from mailsec.crypto.issue import Issued, make_authority
from mailsec.errors import InputError, KeyFileError, LockedError, UsageError
from mailsec.store.keys import FileKeyStore
from mailsec.store.keys.deciding import AS_AUTHORITY, digits, scopes, trust_certificate
from mailsec.store.keys.importing import keep_found, read_keys
from mailsec.store.keys.words import called
from tests.store.keys.conftest import END, NOW, START

ALICE, BOB = "alice@example.org", "bob@example.net"
Opened = Callable[..., FileKeyStore]

FORMS: dict[str, Callable[[Issued], bytes]] = {
    "PKCS#12 (RFC 7292)": lambda one: one.to_pkcs12(b"of the file"),
    "PKCS#12 with 3DES": lambda one: one.to_pkcs12(b"of the file", old=True),
    "encrypted PKCS#8 in PEM (RFC 7468 section 11)": lambda one: one.key.to_pem(b"of the file") + _pem(one),
}


def _pem(issued: Issued) -> bytes:
    return b"".join(one.to_pem() for one in issued.certificates)


@pytest.mark.parametrize("form", FORMS)
def test_a_file_with_a_password_says_so_and_whether_one_was_wrong(form: str, make: Any) -> None:
    issued = make(ALICE)
    octets = FORMS[form](issued)
    for password, wrong in ((None, False), (b"mistyped", True)):
        with pytest.raises(LockedError) as caught:
            read_keys(octets, "alice\x1b[m.p12", password)
        assert (caught.value.wrong, caught.value.new) == (wrong, False)
        assert caught.value.secret.startswith("the password of alice")
        assert "\x1b" not in caught.value.secret
    (found,) = read_keys(octets, "alice.p12", b"of the file")
    assert isinstance(found, PrivateIdentity)
    assert found.certificates[0] == issued.certificate


def test_certificates_need_no_password(make: Any, authority: Issued) -> None:
    alice = make(ALICE)
    assert read_keys(_pem(alice), "a.pem") == alice.certificates
    assert read_keys(alice.certificate.der, "a.der") == (alice.certificate,)


@pytest.mark.parametrize("octets", [b"", b"junk", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
@pytest.mark.parametrize("password", [None, b"some"])
def test_what_is_no_key_is_no_question_of_a_password(octets: bytes, password: bytes | None) -> None:
    with pytest.raises(InputError) as caught:
        read_keys(octets, "it", password)
    assert not isinstance(caught.value, LockedError)


def test_what_comes_of_a_file(opened: Opened, make: Any, authority: Issued) -> None:
    store, alice, bob, nobody = opened(), make(ALICE), make(BOB), make("x@example.org", subject="Nobody")
    imported = keep_found(store, read_keys(alice.key.to_pem() + _pem(alice), "a"), "a", [], NOW)
    assert [key.addresses for key in imported.keys] == [(ALICE,)]
    found = [alice.certificate, bob.certificate, authority.certificate]
    imported = keep_found(store, found, "b.pem", [], NOW)
    assert (imported.own, imported.known) == ((alice.certificate,), (bob.certificate,))
    assert imported.authorities == (authority.certificate,)
    assert [(one.address, one.source, one.detail) for one in store.known()] == [(BOB, "file", "b.pem")]
    assert store.decisions() == ()  # known is not trusted
    keep_found(store, [nobody.certificate], "n", ["n@example.org"], NOW)
    assert store.known("n@example.org")[0].certificate == nobody.certificate


def test_a_key_that_is_nobodys_is_not_kept(opened: Opened, make: Any) -> None:
    alice = make(ALICE)
    with pytest.raises(KeyFileError, match="it comes without a certificate"):
        keep_found(opened(), [PrivateIdentity(alice.key)], "a", [], NOW)
    assert opened().own_keys() == ()


# -- decisions -----------------------------------------------------------------------------------------------


def test_what_a_certificate_can_be_trusted_for(make: Any, authority: Issued, opened: Opened) -> None:
    both = make(ALICE, BOB)
    assert scopes(both.certificate) == (ALICE, BOB)
    assert scopes(authority.certificate) == (AS_AUTHORITY,)
    with pytest.raises(UsageError, match=r"the certificate is not for .carol@example\.org."):
        trust_certificate(opened(), both.certificate, "carol@example.org", NOW)
    trust_certificate(opened(), both.certificate, ALICE, NOW)
    trust_certificate(opened(), authority.certificate, AS_AUTHORITY, NOW)
    assert [one.address for one in opened().decisions()] == [ALICE, AS_AUTHORITY]
    assert [one.address for one in opened().known()] == [ALICE]


@pytest.mark.parametrize(
    ("written", "read"),
    [("AB:CD 12", "abcd12"), ("ab cd\n12", "abcd12"), ("", ""), ("alice", ""), ("ab-cd", ""), ("١٢", "")],
)
def test_fingerprints_however_they_are_written(written: str, read: str) -> None:
    assert digits(written) == read


@pytest.mark.parametrize(
    ("subject", "name"),
    [("Example Root", "Example Root"), ("A, B", r"CN=A\, B"), ("a=b", "CN=a=b"), ("\u202ex", "x")],
)
def test_a_certificate_is_called_by_its_common_name_alone(subject: str, name: str) -> None:
    made = make_authority(subject, not_before=START, not_after=END, key=PrivateKey.generate("ec"))
    shown = called(made.certificate)
    assert "\u202e" not in shown
    assert name in shown
    assert describe_key(Certificate.from_der(made.certificate.der).public_key) == "P-256"
