"""Unicode normalization of foreign text (UAX 15)."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsec.message.normalization import nfkc


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("Plain", "Plain"),
        ("\uff45\uff58", "ex"),
        ("u\u0308", "\u00fc"),
        ("a" + "\u0301" * 30, "\u00e1" + "\u0301" * 29),
        ("a" + "\u0301" * 31 + "b", "\u00e1" + "\u0301" * 29 + "b"),
    ],
    ids=["ASCII", "wide letters", "composed", "thirty marks", "more"],
)
def test_nfkc(text: str, normal: str) -> None:
    assert nfkc(text) == normal


@given(st.text(max_size=30))
def test_as_unicode_has_it(text: str) -> None:
    assert nfkc(text) == unicodedata.normalize("NFKC", text)


@pytest.mark.parametrize(
    "marks", ["\u0315\u0300", "\u0315\uff9e", "\u0344\u0316"], ids=["two", "halfwidth", "composed"]
)
def test_marks_that_normalization_takes_minutes_to_sort(marks: str) -> None:
    assert len(nfkc("a" + marks * 200_000)) <= 61
