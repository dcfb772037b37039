"""Trust anchors from files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailsec.crypto import PrivateKey, StaticTrust
from mailsec.crypto.issue import Issued, make_authority
from mailsec.errors import InputError, StoreError
from mailsec.hooks import Anchors, Envelope, Moment, TrustOrigins
from mailsec.pipeline import Services
from mailsec.pipeline.context import PlainContext, Shared
from mailsec.store import anchors
from mailsec.store.anchors import FileTrust, read_anchors, system_bundle
from mailsec.store.keys import FileKeyStore, Passwords
from mailsec.testing import make_resolver


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


def test_where_the_trust_comes_from(roots: list[Issued], tmp_path: Path) -> None:
    """Of the system's anchors, which nobody chose one by one, nothing is said."""
    one, two = (root.certificate for root in roots)
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(two.to_pem())
    trust = FileTrust([one], bundle)
    assert isinstance(trust, TrustOrigins)
    assert trust.origins() == {one.fingerprint: "a file that you named"}
    store = FileKeyStore(tmp_path / "keys", Passwords("test", "the kept keys"))
    trust = FileTrust([], None, lambda: store)
    store.trust(one)
    store.trust(two, "alice@example.org")
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    assert trust.origins() == dict.fromkeys((one.fingerprint, two.fingerprint), f"your decision of {day}")
    store.distrust(one)
    assert set(trust.origins()) == {two.fingerprint}


async def test_where_it_comes_from_is_evidence(roots: list[Issued]) -> None:
    """A trust store that cannot tell costs nothing."""
    (one, _) = (root.certificate for root in roots)

    class Broken(FileTrust):
        def origins(self) -> dict[str, str]:
            raise StoreError("it cannot be read")

    for trust, origins in (
        (FileTrust([one]), ((one.fingerprint, "a file that you named"),)),
        (Broken([one]), ()),
        (StaticTrust([one]), ()),
    ):
        shared = Shared(Services(make_resolver(), trust=trust), Moment(datetime.now(UTC)), Envelope(), 1e9)
        context = PlainContext(shared, None, ())
        context.trust.anchors()
        assert context.evidence() == (Anchors((one.fingerprint,), "", origins),)


def test_the_environment_names_the_bundle() -> None:
    assert system_bundle({"SSL_CERT_FILE": "/x/y.pem"}) == Path("/x/y.pem")
    assert system_bundle({"SSL_CERT_FILE": ""}) is None
    found = system_bundle({})
    assert found is None or found.is_file()
