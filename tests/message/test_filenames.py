"""Names for files that a message suggests."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsec.message import numbered_name, safe_file_name

CASES = {
    "plain": ("report.pdf", "report.pdf"),
    "letters of any script": ("blåbær – 果物.txt", "blåbær – 果物.txt"),
    "blanks are kept, single": ("my  annual\treport.pdf", "my annual report.pdf"),
    "path with slashes": ("../../../.bashrc", "bashrc"),
    "absolute path": ("/etc/passwd", "passwd"),
    "path with backslashes": ("..\\..\\windows\\system.ini", "system.ini"),
    "drive and stream": ("c:evil.exe:stream", "c_evil.exe_stream"),
    "only dots": ("..", "attachment"),
    "only a slash": ("/", "attachment"),
    "a folder": ("folder/", "folder"),
    "empty": ("", "attachment"),
    "only blanks": ("   ", "attachment"),
    "leading dot": (".ssh", "ssh"),
    "leading dash": ("-rf.txt", "rf.txt"),
    "leading tilde": ("~root", "root"),
    "trailing dots and blanks": ("note.txt. . ", "note.txt"),
    "controls": ("a\x00b\x1b[31m\r\nc.txt", "ab[31m c.txt"),
    "C1 and DEL": ("a\x9bb\x7fc", "abc"),
    "bidi override": ("photo\u202egpj.exe", "photogpj.exe"),
    "zero width": ("in\u200bvoice\ufeff.pdf", "invoice.pdf"),
    "tags": ("x\U000e0041\U000e0042.txt", "x.txt"),
    "line separators": ("a\u2028b\u2029c", "a b c"),
    "shell characters": ('a*b?c"d<e>f|g', "a_b_c_d_e_f_g"),
    "reserved": ("con", "_con"),
    "reserved with extension": ("NUL.txt", "_NUL.txt"),
    "reserved port": ("LPT1.pdf", "_LPT1.pdf"),
    "not reserved": ("console.txt", "console.txt"),
    "only what is replaced": ("???", "attachment"),
    "lone surrogate": ("a\udc80b.txt", "ab.txt"),
}


@pytest.mark.parametrize(("name", "safe"), CASES.values(), ids=CASES)
def test_what_is_left_of_a_name(name: str, safe: str) -> None:
    assert safe_file_name(name) == safe


def test_a_long_name_is_cut_and_keeps_its_extension() -> None:
    name = safe_file_name("果" * 200 + ".tar.gz")
    assert name.endswith(".gz")
    assert name.startswith("果果")
    assert len(numbered_name(name, 9_999).encode()) <= 255


def test_an_extension_that_is_too_long_is_none() -> None:
    assert len(safe_file_name("a." + "b" * 400).encode()) <= 255


@pytest.mark.parametrize(
    ("name", "numbered"), [("report.pdf", "report (2).pdf"), ("README", "README (2)"), ("a.tar.gz", "a.tar (2).gz")]
)
def test_a_number_goes_before_the_extension(name: str, numbered: str) -> None:
    assert numbered_name(name, 2) == numbered


@given(st.text(st.characters(), max_size=400) | st.text("./\\-~ \x1b\u202eaé:", max_size=40))
def test_whatever_a_sender_suggests(name: str) -> None:
    safe = safe_file_name(name)
    assert PurePosixPath(safe).name == safe
    assert PureWindowsPath(safe).name == safe
    assert safe == safe.strip() != ""
    assert safe[0] not in ".-~"
    assert safe[-1] != "."
    assert len(numbered_name(safe, 9_999).encode()) <= 255
    assert not any(unicodedata.category(one) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} for one in safe)
    assert safe_file_name(safe) == safe
