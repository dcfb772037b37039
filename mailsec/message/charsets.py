"""Charsets: octets to text, always readable, never an exception (RFC 2046 section 4.1.2, RFC 2047).

Only the charsets of the table are looked up by name: Python's registry also has codecs that are none for
mail (`idna` and `punycode` take quadratic time, `unicode_escape` is a language of its own).
"""

from __future__ import annotations

__all__ = ["canonical_charset", "decode_charset", "decode_unknown"]

# The octets 0x80-0x9F as windows-1252 has them: what claims to be ISO 8859-1 and uses them means these.
_WINDOWS_1252 = dict(
    zip(
        (*range(0x80, 0x81), *range(0x82, 0x8D), 0x8E, *range(0x91, 0x9D), 0x9E, 0x9F),
        "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ",
        strict=True,
    )
)

# Python's codec for each name, the names in lower case with "_" and " " as "-".
_CODECS = {
    "ascii": "ascii",
    "utf-8": "utf-8",
    "utf-7": "utf-7",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "utf-32": "utf-32",
    "utf-32le": "utf-32-le",
    "utf-32be": "utf-32-be",
    "iso-8859-1": "latin-1",
    **{f"iso-8859-{n}": f"iso8859-{n}" for n in (*range(2, 12), 13, 14, 15, 16)},
    **{f"windows-125{n}": f"cp125{n}" for n in range(9)},
    **{
        f"ibm{n:03}": f"cp{n:03}"
        for n in (37, 437, 500, 737, 775, 850, 852, 855, 857, 858, *range(860, 867), 869, 875, 1026, 1125, 1140)
    },
    "windows-874": "cp874",
    "windows-31j": "cp932",
    "cp949": "cp949",
    "big5": "big5hkscs",
    "cp950": "cp950",
    "gb18030": "gb18030",
    "hz-gb-2312": "hz",
    "euc-jp": "euc_jp",
    "euc-kr": "cp949",
    "iso-2022-jp": "iso2022_jp_ext",
    "iso-2022-jp-2": "iso2022_jp_2",
    "iso-2022-kr": "iso2022_kr",
    "johab": "johab",
    "koi8-r": "koi8-r",
    "koi8-u": "koi8-u",
    "koi8-t": "koi8-t",
    "tis-620": "cp874",
    "macintosh": "mac-roman",
    "x-mac-cyrillic": "mac-cyrillic",
    "x-mac-greek": "mac-greek",
    "x-mac-turkish": "mac-turkish",
    "x-mac-ce": "mac-latin2",
    "hp-roman8": "hp-roman8",
    "kz-1048": "kz1048",
    "ptcp154": "ptcp154",
}

# Other names for them, as they are met in mail.
_ALIASES = {
    "": "ascii",
    "us-ascii": "ascii",
    "ansi-x3.4-1968": "ascii",
    "iso646-us": "ascii",
    "iso-646": "ascii",
    "646": "ascii",
    "us": "ascii",
    "default": "ascii",
    "default-charset": "ascii",
    "x-unknown": "ascii",
    "unknown": "ascii",
    "unknown-8bit": "ascii",
    "8bit": "ascii",
    "7bit": "ascii",
    "binary": "ascii",
    "none": "ascii",
    "x-user-defined": "ascii",
    "utf8": "utf-8",
    "utf8mb3": "utf-8",
    "utf8mb4": "utf-8",
    "utf-8mb4": "utf-8",
    "unicode": "utf-8",
    "unicode-1-1-utf-8": "utf-8",
    "x-unicode20utf8": "utf-8",
    "utf-8-sig": "utf-8",
    "unicode-1-1-utf-7": "utf-7",
    "utf7": "utf-7",
    "utf16": "utf-16",
    "utf-16-le": "utf-16le",
    "utf-16-be": "utf-16be",
    "utf32": "utf-32",
    "utf-32-le": "utf-32le",
    "utf-32-be": "utf-32be",
    "latin1": "iso-8859-1",
    "latin-1": "iso-8859-1",
    "l1": "iso-8859-1",
    "iso-ir-100": "iso-8859-1",
    "cp819": "iso-8859-1",
    "ibm819": "iso-8859-1",
    "latin2": "iso-8859-2",
    "latin-2": "iso-8859-2",
    "latin5": "iso-8859-9",
    "latin-5": "iso-8859-9",
    "latin9": "iso-8859-15",
    "latin-9": "iso-8859-15",
    "latin-0": "iso-8859-15",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "iso-8859-6-i": "iso-8859-6",
    "logical": "iso-8859-8",
    "visual": "iso-8859-8",
    "greek": "iso-8859-7",
    "hebrew": "iso-8859-8",
    "arabic": "iso-8859-6",
    "cyrillic": "iso-8859-5",
    "ansi": "windows-1252",
    "x-ansi": "windows-1252",
    "cp-1252": "windows-1252",
    "shift-jis": "windows-31j",
    "shift-jisx0213": "windows-31j",
    "sjis": "windows-31j",
    "x-sjis": "windows-31j",
    "ms-kanji": "windows-31j",
    "cp932": "windows-31j",
    "windows-932": "windows-31j",
    "windows-936": "gb18030",
    "windows-949": "cp949",
    "windows-950": "cp950",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "cp936": "gb18030",
    "gb2312": "gb18030",
    "gb-2312-80": "gb18030",
    "gb2312-80": "gb18030",
    "euc-cn": "gb18030",
    "chinese": "gb18030",
    "gb18030-2000": "gb18030",
    "hz": "hz-gb-2312",
    "big5-hkscs": "big5",
    "big5hkscs": "big5",
    "big-5": "big5",
    "x-x-big5": "big5",
    "cn-big5": "big5",
    "ks-c-5601-1987": "cp949",
    "ks-c-5601-1989": "cp949",
    "ks-c-5601": "cp949",
    "ksc5601": "cp949",
    "ksc-5601": "cp949",
    "uhc": "cp949",
    "korean": "cp949",
    "euckr": "euc-kr",
    "eucjp": "euc-jp",
    "x-euc-jp": "euc-jp",
    "ujis": "euc-jp",
    "iso-2022-jp-1": "iso-2022-jp",
    "iso-2022-jp-ms": "iso-2022-jp",
    "csiso2022jp": "iso-2022-jp",
    "cp50220": "iso-2022-jp",
    "cp50221": "iso-2022-jp",
    "koi8r": "koi8-r",
    "koi-8-r": "koi8-r",
    "koi8u": "koi8-u",
    "koi8-ru": "koi8-u",
    "koi8": "koi8-r",
    "tis620": "tis-620",
    "iso-8859-11": "tis-620",
    "thai": "tis-620",
    "mac": "macintosh",
    "mac-roman": "macintosh",
    "macroman": "macintosh",
    "x-mac-roman": "macintosh",
}


def canonical_charset(name: str) -> str | None:
    """The charset that a name means, as IANA writes it in lower case; `None` for one that we do not know.

    Args:
        name: a charset name as met in mail, such as `"UTF8"`, `"cp-850"` or `"ISO_8859-1"`.
    """
    name = name.strip().strip("\"'").lower().replace("_", "-").replace(" ", "-")
    name = _ALIASES.get(name, name)
    if name in _CODECS:
        return name
    # ISO8859-15, iso885915, ISO-8859-1:1987, cp1252, cp-850, x-cp1251, ibm-850, win-1251, dos-866
    digits = name.lstrip("abcdefghijklmnopqrstuvwxyz-")
    stem = name[: len(name) - len(digits)].strip("-")
    if stem in ("iso", "x-iso") and digits.startswith("8859"):
        candidate = "iso-8859-" + digits[4:].lstrip("-").split(":", 1)[0].split("-", 1)[0]
    elif stem in (
        "cp",
        "x-cp",
        "ibm",
        "win",
        "windows",
        "x-windows",
        "dos",
        "csibm",
        "codepage",
        "ccsid",
        "ms",
        "microsoft-cp",
    ):
        candidate = f"windows-{digits}" if f"windows-{digits}" in _CODECS else f"ibm{digits}"
        candidate = _ALIASES.get(f"cp{digits}", _ALIASES.get(f"windows-{digits}", candidate))
    else:
        return None
    candidate = _ALIASES.get(candidate, candidate)
    return candidate if candidate in _CODECS else None


def decode_unknown(octets: bytes) -> str:
    """Text of octets whose charset is not known: UTF-8 where they are UTF-8, else as windows-1252.

    Args:
        octets: any octets.
    """
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("latin-1").translate(_WINDOWS_1252)


def decode_charset(octets: bytes, charset: str) -> tuple[str, bool]:
    """Text of octets in a charset, readable even where the octets or the name are wrong.

    Args:
        octets: any octets.
        charset: a charset name as received.

    Returns:
        The text, and whether octets and charset fit: `False` when a fallback was needed.
    """
    name = canonical_charset(charset)
    if name is None:
        return decode_unknown(octets), False
    if name == "iso-8859-1":
        return octets.decode("latin-1").translate(_WINDOWS_1252), True
    codec = _CODECS[name]
    try:
        return octets.decode(codec), True
    except (LookupError, UnicodeDecodeError):
        pass
    if name == "ascii":
        return decode_unknown(octets), False
    try:
        return octets.decode(codec, "replace"), False
    except (LookupError, UnicodeDecodeError):
        return decode_unknown(octets), False
