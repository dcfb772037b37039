"""The messages of RFC 4134, and the plugin as a plugin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import mailsec_smime
from mailsec.crypto import Certificate
from mailsec.hooks import Result


@pytest.mark.parametrize("section", ["4.8", "4.9"])
def test_the_messages_of_rfc_4134(conformance: Path, open_message: Any, section: str) -> None:
    """DSA with SHA-1 and 1024 bits: right mathematically, and below today's policy."""
    folder = conformance / "rfc4134"
    anchors = [Certificate.from_der((folder / f"Carl{kind}Self.cer").read_bytes()) for kind in ("DSS", "RSA")]
    opened = open_message((folder / f"{section}.eml").read_bytes(), anchors=anchors)
    (result,) = opened.results
    print(section, result.result, result.cause, result.reason)
    assert (str(result.result), str(result.cause)) == ("policy", "weak")
    assert b"This is some sample content." in bytes(opened.octets)


def test_the_encrypted_message_of_rfc_4134(conformance: Path, open_message: Any) -> None:
    opened = open_message((conformance / "rfc4134" / "5.3.eml").read_bytes())
    assert opened.reached == "encrypted"
    assert [result.result for result in opened.results] == [Result.NEUTRAL]


def test_the_hooks() -> None:
    (opener,) = mailsec_smime.mailsec_openers()
    assert (opener.name, opener.methods) == ("smime", ("smime",))
    (protector,) = mailsec_smime.mailsec_protectors()
    assert protector.name == "smime"
    assert mailsec_smime.mailsec_settings()().opaque is False
