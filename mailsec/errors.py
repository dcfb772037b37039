"""The exceptions of mailsec: each is one clear sentence for the person who reads it.

An exception means that we could not do our own work. What a message, a signature or a peer got wrong is
never an exception but a result (see `mailsec.hooks.AuthResult`).
"""

from __future__ import annotations

__all__ = [
    "BusyError",
    "CMSError",
    "CertificateError",
    "ConfigError",
    "DeadlineError",
    "DecryptionError",
    "DnsTemporaryError",
    "FetchError",
    "InputError",
    "KeyFileError",
    "LimitError",
    "LockedError",
    "MailsecError",
    "NoRecipientError",
    "PluginError",
    "SealError",
    "StoreError",
    "TemporaryError",
    "UnsupportedError",
    "UsageError",
    "WorkerError",
    "describe",
]


class MailsecError(Exception):
    """The base of all errors that mailsec raises; `str()` of it is a sentence that can be shown."""


class UsageError(MailsecError):
    """The caller asked for something that cannot be: a wrong option, a missing file."""


class ConfigError(UsageError):
    """The configuration cannot be used; the sentence names the file, the table and the key."""


class InputError(MailsecError):
    """Input that was handed to us (a key, a certificate, a zone file) cannot be read as what it should be."""


class KeyFileError(InputError):
    """A private or public key cannot be read: not a key, an unknown kind, or a wrong password."""


class LockedError(KeyFileError, UsageError):
    """A private key is here, and the password or PIN that it wants is not known.

    Attributes:
        secret: which it is, in words, such as `"the password of the kept keys"`; see `mailsec.store.keys.Secrets`.
        key: whose key wants it; empty where it is wanted for another reason.
        wrong: whether one was tried and was wrong.
        new: whether it is to be made up, for the first key.
    """

    def __init__(self, sentence: str, secret: str, *, key: str = "", wrong: bool = False, new: bool = False) -> None:
        super().__init__(sentence)
        self.secret = secret
        self.key = key
        self.wrong = wrong
        self.new = new


class CertificateError(InputError):
    """Octets that should be an X.509 certificate are none."""


class CMSError(InputError):
    """Octets that should be a Cryptographic Message Syntax structure (RFC 5652) are none."""


class UnsupportedError(CMSError):
    """A structure uses an algorithm or form that we do not know, or do not take; the sentence names it."""


class NoRecipientError(InputError):
    """A structure is encrypted, and no key at hand is among its recipients."""


class DecryptionError(InputError):
    """A structure cannot be decrypted with the keys at hand, or is damaged: which of both is never told."""


class LimitError(InputError):
    """Input goes over one of the limits that protect the program."""


class SealError(InputError):
    """A kept verdict does not carry the seal of this installation, or is about another message."""


class StoreError(MailsecError):
    """Mail or the index cannot be written, or the index cannot be read; the sentence names the file."""


class PluginError(MailsecError):
    """A plugin broke the interface; the sentence names it with its distribution and version."""


class TemporaryError(MailsecError):
    """What was tried may work later. A verifier that lets it through is reported as `temperror`."""


class WorkerError(TemporaryError):
    """A process or thread of our own that does work in the background ended before its work did."""


class DeadlineError(TemporaryError):
    """The time that the whole check had is used up."""


class DnsTemporaryError(TemporaryError):
    """A DNS question got no answer that can be trusted: a time-out, SERVFAIL, REFUSED, or bogus by DNSSEC.

    Attributes:
        name: the name asked for, absolute, without the last dot.
        rdtype: the record type asked for, such as `"TXT"`.
        why: what happened, in a few words.
    """

    def __init__(self, name: str, rdtype: str, why: str) -> None:
        super().__init__(f"DNS gave no answer for {name} {rdtype}: {why}")
        self.name = name
        self.rdtype = rdtype
        self.why = why


class BusyError(TemporaryError):
    """Another program holds a mailbox or the index locked for longer than we wait."""


class FetchError(TemporaryError):
    """A document could not be fetched, or fetching it is not allowed."""


def describe(error: BaseException) -> str:
    """An exception of somebody else's code in a few words, on one line, without trusting its `str`.

    Args:
        error: any exception, such as one that a plugin raised.
    """
    try:
        words = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 - a plugin's exception may raise even here
        words = ""
    kind = type(error).__name__
    return f"{kind}: {words[:300]}" if words else kind
