"""Which panes are seen: first the preview goes, then the folders."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsec.tui.actions import ZONES
from mailsec.tui.layout import Layout, lay_out

ALL = Layout(folders=True, messages=True, message=True)
BELOW = Layout(folders=True, messages=True, message=True, below=True)
NO_PREVIEW = Layout(folders=True, messages=True, message=False)
LIST = Layout(folders=False, messages=True, message=False)
MESSAGE = Layout(folders=False, messages=False, message=True)
FOLDERS = Layout(folders=True, messages=False, message=False)


@pytest.mark.parametrize(
    ("size", "zone", "wishes", "layout"),
    [
        ((120, 40), "list", {}, ALL),
        ((110, 24), "message", {}, ALL),
        ((120, 40), "list", {"folders": False}, Layout(folders=False, messages=True, message=True)),
        ((120, 40), "list", {"preview": False}, NO_PREVIEW),
        ((120, 40), "message", {"preview": False}, MESSAGE),
        ((80, 40), "list", {}, BELOW),
        ((80, 24), "list", {}, NO_PREVIEW),
        ((80, 24), "message", {}, MESSAGE),
        ((80, 24), "list", {"folders": False}, LIST),
        ((80, 24), "folders", {"folders": False}, NO_PREVIEW),
        ((60, 18), "list", {}, LIST),
        ((60, 18), "folders", {}, FOLDERS),
        ((60, 18), "message", {}, MESSAGE),
    ],
)
def test_layouts(size: tuple[int, int], zone: Any, wishes: dict[str, bool], layout: Layout) -> None:
    assert lay_out(*size, zone, **wishes) == layout


@given(st.integers(1, 300), st.integers(1, 100), st.sampled_from(ZONES), st.booleans(), st.booleans())
def test_the_pane_with_the_keyboard_is_always_seen(
    columns: int, lines: int, zone: Any, folders: bool, preview: bool
) -> None:
    assert lay_out(columns, lines, zone, folders=folders, preview=preview).shows(zone)
