"""Trust anchors from files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailsec.crypto import PrivateKey
from mailsec.crypto.issue import Issued, make_authority
from mailsec.errors import InputError
from mailsec.store import anchors
from mailsec.store.anchors import FileTrust, read_anchors, system_bundle


@pytest.fixture(scope="module")
def roots() -> list[Issued]:
    now = datetime.now(UTC)
    return [
        make_authority(name, key=PrivateKey.generate("ec"), not_before=now, not_after=now + timedelta(days=1))
        for name in ("One", "Two")
    ]


def test_pem_with_several_and_der(roots: list[Issued], tmp_path: Path) -> None:
    wanted = tuple(root.certificate for root in roots)
    pem = tmp_path / "roots.pem"
    pem.write_bytes(b"# ours\n" + b"".join(one.to_pem() for one in wanted))
    assert read_anchors(pem) == wanted
    der = tmp_path / "root.der"
    der.write_bytes(wanted[0].der)
    assert read_anchors(der) == wanted[:1]


def test_what_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rubbish = tmp_path / "rubbish"
    rubbish.write_bytes(b"\x00" * 100)
    with pytest.raises(InputError, match="rubbish holds no trust anchors"):
        read_anchors(rubbish)
    with pytest.raises(InputError, match="missing cannot be read: No such file"):
        read_anchors(tmp_path / "missing")
    monkeypatch.setattr(anchors, "MAX_OCTETS", 10)
    with pytest.raises(InputError, match="more than 10 octets"):
        read_anchors(rubbish)


def test_the_systems_are_added_and_left_out_where_they_cannot_be_read(roots: list[Issued], tmp_path: Path) -> None:
    one, two = (root.certificate for root in roots)
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(two.to_pem() + one.to_pem())
    assert FileTrust([one], bundle).anchors() == (one, two)
    assert FileTrust([one], tmp_path / "missing").anchors() == (one,)
    assert FileTrust([one]).anchors() == (one,)


def test_the_environment_names_the_bundle() -> None:
    assert system_bundle({"SSL_CERT_FILE": "/x/y.pem"}) == Path("/x/y.pem")
    assert system_bundle({"SSL_CERT_FILE": ""}) is None
    found = system_bundle({})
    assert found is None or found.is_file()
