"""What `openssl cms` signs, sent and signed in another order than it should be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mailsec.crypto import RSA_SHA256
from mailsec.crypto.cms import Content, Outcome, encode, parse_signed_data, verify_signer

pytestmark = pytest.mark.peer

CONTENT = b"Content-Type: text/plain\r\n\r\nHello, world.\r\n" * 300


def test_attributes_signed_in_the_order_they_were_sent(openssl: Callable[..., bytes], people: Any) -> None:
    """RFC 5652 section 5.4 wants DER, sorted; senders that do neither are verified all the same."""
    cms = openssl("cms", "-sign", "-binary", "-outform", "DER", *people.files("rsa"), stdin=CONTENT)
    info = parse_signed_data(cms).signers[0]
    assert info.signed_attributes is not None
    (proper,) = info.signed_octets()
    members = [bytes(child.raw) for child in info._signed.children()]  # type: ignore[union-attr]
    assert encode.set_of(members) == proper
    # Sent unsorted, signed sorted: the order in transit does not matter.
    shuffled = b"".join(reversed(members))
    turned = cms.replace(b"".join(members), shuffled)
    assert turned != cms
    signed = parse_signed_data(turned)
    assert verify_signer(signed.signers[0], signed, Content((CONTENT,))).outcome is Outcome.GOOD
    # Sent and signed unsorted.
    whole = encode.header(0x11, len(shuffled), constructed=True) + shuffled
    signature = people.issued("rsa").key.sign(whole, RSA_SHA256)
    signed = parse_signed_data(turned.replace(info.signature, signature))
    assert len(signed.signers[0].signed_octets()) == 2
    assert verify_signer(signed.signers[0], signed, Content((CONTENT,))).outcome is Outcome.GOOD
