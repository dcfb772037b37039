"""Messages that try to reach the terminal behind the reader's screen.

Every way to say a control (raw, in an encoded word, in each transfer encoding, in charsets, as a character reference)
is tried in every place from which a client shows something.
"""

from __future__ import annotations

import base64
import quopri
from collections.abc import Callable, Iterator

__all__ = ["MARKER", "hostile_messages"]

MARKER = "PWNED"
"""Stands in each payload right behind what should be a control."""

URL = "http://127.0.0.1:{port}"

PAYLOADS: dict[str, str] = {
    "title": f"\x1b]0;{MARKER}\x07",
    "title, ST": f"\x1b]2;{MARKER}\x1b\\",
    "title, C1": f"\x9d0;{MARKER}\x9c",
    "title stack": f"\x1b[22;0t\x1b]0;{MARKER}\x07\x1b[23;0t",
    "report title": f"\x1b[21t{MARKER}",
    "link": f"\x1b]8;;http://{MARKER}.example/\x1b\\click\x1b]8;;\x1b\\",
    "clipboard": f"\x1b]52;c;{base64.b64encode(MARKER.encode()).decode()}\x07{MARKER}",
    "notification": f"\x1b]9;{MARKER}\x07\x1b]777;notify;{MARKER};x\x07",
    "palette": f"\x1b]4;1;#ff0000\x07\x1b]10;?\x07{MARKER}",
    "iTerm picture": f"\x1b]1337;File=inline=1:{MARKER}\x07",
    "kitty picture": f"\x1b_Ga=T,f=100;{MARKER}\x1b\\",
    "sixel": f'\x1bPq"1;1;1;1#0;2;0;0;0{MARKER}\x1b\\',
    "DECRQSS": f"\x1bP$q{MARKER}\x1b\\",
    "tmux passthrough": f"\x1bPtmux;\x1b\x1b]0;{MARKER}\x07\x1b\\",
    "cursor report": f"\x1b[6n\x1b[c\x1b[>c\x1b[=c{MARKER}",
    "home and erase": f"\x1b[2J\x1b[H{MARKER}",
    "C1 erase": f"\x9b2J\x9bH{MARKER}",
    "other screen": f"\x1b[?1049l\x1b[?1000h\x1b[?2004h\x1b[?25l{MARKER}",
    "reset": f"\x1bc\x1b[!p{MARKER}",
    "keyboard": f"\x1b[>1u\x1b[=1u\x1b[?4m{MARKER}",
    "scroll region": f"\x1b[5;10r\x1b[S\x1bD\x1bM{MARKER}",
    "insert": f"\x1b[4h\x1b[10@{MARKER}",
    "charset": f"\x1b(0\x0e\x1b%@\x1b#8{MARKER}\x0f",
    "concealed": f"\x1b[8m\x1b[38;2;0;0;0;48;2;0;0;0m{MARKER}\x1b[0m",
    "back and over": f"safe\b\b\b\b{MARKER}\rover\x7f\x0b\x0c",
    "bell and nulls": f"\x07\x07\x00\x00{MARKER}\x05\x1a",
    "bidi": f"\u202e{MARKER}\u202c \u2067{MARKER}\u2069 \u200e\u200f\u061c",
    "zero width": f"p\u200bw\u2060n\ufeffe\u200dd {MARKER}\u00ad",
    "tags": "".join(chr(0xE0000 + ord(letter)) for letter in MARKER) + f"{MARKER}\U000e007f",
    "private use": f"\ue0b0\uf8ff\U000f0001{MARKER}\U0010fffd",
    "combining flood": "a" + "\u0301" * 3000 + MARKER,
    "markup": f"[bold red]{MARKER}[/] [/red] [link='http://{MARKER}.example'] [@click=app.quit]x[/] [blink",
    "brackets": "[[[]]] [/] [ [] \\[ [bold [/bold]] [[red]] ]]]][",
    "lines": f"one\u2028{MARKER}\u2029\x85{MARKER}\x1c\x1d\x1e",
}


def _q(octets: bytes, charset: str) -> bytes:
    text = "".join(f"={octet:02X}" for octet in octets)
    # RFC 2047 section 2 allows 75 characters a word; readers take longer ones, and so do we try them
    return f"=?{charset}?Q?{text}?=".encode()


def _b(octets: bytes, charset: str) -> bytes:
    return b"=?" + charset.encode() + b"?B?" + base64.b64encode(octets) + b"?="


def _utf8(payload: str) -> bytes:
    return payload.encode()


def _latin1(payload: str) -> bytes:
    return payload.encode("latin-1", "replace")


FIELDS: dict[str, Callable[[str], bytes]] = {
    "raw UTF-8": lambda payload: _utf8(payload).replace(b"\r", b"").replace(b"\n", b""),
    "raw 8 bit": lambda payload: _latin1(payload).replace(b"\r", b"").replace(b"\n", b""),
    "word Q": lambda payload: _q(_utf8(payload), "utf-8"),
    "word B": lambda payload: _b(_utf8(payload), "utf-8"),
    "word latin-1": lambda payload: _q(_latin1(payload), "iso-8859-1"),
    "word windows-1252": lambda payload: _q(_latin1(payload), "windows-1252"),
    "word utf-16": lambda payload: _b(payload.encode("utf-16-be"), "utf-16be"),
    "word utf-7": lambda payload: _b(payload.encode("utf-7"), "utf-7"),
    "word unknown": lambda payload: _q(_utf8(payload), "x-unknown"),
}


def _fields(way: str, payload: str) -> bytes:
    said = FIELDS[way](payload)
    return (
        b"From: " + said + b" <mallory@example.org>\r\n"
        b"To: " + said + b" <reader@example.com>, <a" + said[:40].replace(b"@", b"") + b"@example.com>\r\n"
        b"Cc: undisclosed " + said + b":;\r\n"
        b"Subject: " + said + b" S\r\n"
        b"Date: " + said + b"\r\n"
        b"Message-ID: <" + said + b"@example.org>\r\n"
        b"List-Unsubscribe: <https://" + said + b">\r\n"
        b"X-Field: " + said + b"\r\n"
        b"MIME-Version: 1.0\r\n"
    )


def _plain_bodies(payload: str) -> Iterator[tuple[str, bytes]]:
    utf8 = _utf8(payload)
    head = b"Content-Type: text/plain; charset="
    yield "8bit", head + b"utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + utf8 + b"\r\n> " + utf8 + b"\r\n"
    quoted = quopri.encodestring(utf8)
    yield "quoted-printable", head + b"utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + quoted + b"\r\n"
    encoded = base64.encodebytes(utf8)
    yield "base64", head + b"utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" + encoded
    yield "latin-1", head + b"iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + _latin1(payload) + b"\r\n"
    yield "utf-7", head + b"utf-7\r\n\r\n" + payload.encode("utf-7") + b"\r\n"
    yield (
        "utf-16",
        head + b"utf-16\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(payload.encode("utf-16")),
    )


def _references(payload: str) -> str:
    return "".join(f"&#{ord(character)};" for character in payload)


def _html(payload: str, url: str) -> bytes:
    said = payload.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    page = (
        f'<html><head><title>{said}</title><link rel="stylesheet" href="{url}/style.css">'
        f'<meta http-equiv="refresh" content="0;url={url}/refresh"><base href="{url}/base/">'
        f"<style>@import '{url}/import.css'; @font-face {{ src: url({url}/font) }}</style>"
        f"<style>p {{ background: url({url}/bg) }}</style>"
        f'<script src="{url}/script.js"></script></head><body background="{url}/body.png">'
        f'<p title="{said}">{said} {_references(payload)}</p><img src="{url}/pixel.png" alt="{said}">'
        f'<a href="{url}/link?{said}">{said}</a> <a href="javascript:{said}">x</a> <a href="\x1b]8;;">y</a>'
        f'<table><tr><td colspan="9999999">{said}</td></tr></table><iframe src="{url}/frame"></iframe>'
        f'<object data="{url}/object"></object><video src="{url}/video"></video><pre>{said}</pre>'
        f'<div style="display:none">{said}</div><ul><li>{said}</ul><blockquote>{said}</blockquote></body></html>'
    )
    return page.encode("utf-8", "surrogatepass")


def _attachments(way: str, payload: str, url: str) -> bytes:
    said = FIELDS[way](payload)
    extended = "".join(f"%{octet:02X}" for octet in payload.encode()).encode()
    quoted = said.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return (
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + said + b"\r\n--b\r\n"
        b"Content-Type: text/html; charset=utf-8\r\n\r\n" + _html(payload, url) + b"\r\n--b\r\n"
        b'Content-Type: application/octet-stream; name="' + quoted + b'.txt"\r\n'
        b'Content-Disposition: attachment; filename="../../' + quoted + b'.sh"\r\n'
        b"Content-Description: " + said + b"\r\n\r\nx\r\n--b\r\n"
        b"Content-Type: application/pdf; name*=utf-8''" + extended + b"\r\n"
        b"Content-Disposition: attachment; filename*=utf-8''" + extended + b"\r\n\r\nx\r\n--b\r\n"
        b"Content-Type: " + said + b"/" + said + b"\r\n\r\nx\r\n--b\r\n"
        b'Content-Type: message/external-body; access-type=URL; URL="' + url.encode() + b'/external"\r\n\r\n\r\n--b\r\n'
        b"Content-Type: message/rfc822\r\n\r\nFrom: "
        + said
        + b" <a@example.org>\r\nSubject: "
        + said
        + b"\r\n\r\n"
        + _utf8(payload)
        + b"\r\n--b--\r\n"
    )


def _structures(url: str) -> Iterator[tuple[str, bytes]]:
    head = b"From: Mallory <mallory@example.org>\r\nSubject: S\r\nMIME-Version: 1.0\r\n"
    deep = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(500))
    yield "nested parts", head + deep + b"\r\ntext"
    inner = b"".join(b"Content-Type: message/rfc822\r\n\r\nFrom: a@example.org\r\nSubject: S\r\n" for _ in range(300))
    yield "nested messages", head + inner + b"\r\ntext"
    yield "deep HTML", head + b"Content-Type: text/html\r\n\r\n" + b"<div><table><tr><td>" * 20_000 + b"text"
    yield "quotes", head + b"\r\n" + b"".join(b">" * n + b" S\r\n" for n in range(0, 3000, 7))
    yield "one long line", head + b"\r\n" + b"S" * 2_000_000
    yield "one long wide line", head + b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + "字".encode() * 300_000
    yield "many lines", head + b"\r\n" + b"S\n" * 300_000
    yield "nulls", head + b"\r\n" + b"\0" * 100_000
    yield "only nulls", b"\0" * 5000
    yield "empty", b""
    yield "no body", head
    yield "no header", b"\r\n\r\nS\r\n"
    yield "all octets", head + b"\r\n" + bytes(range(256)) * 20
    yield "all octets in the header", b"Subject: " + bytes(n for n in range(256) if n not in (10, 13)) + b"\r\n\r\nS"
    yield "many fields", head + b"".join(b"X-%d: S\r\n" % n for n in range(5000)) + b"\r\nS"
    yield "many recipients", head + b"To: " + b", ".join(b"a%d@example.org" % n for n in range(5000)) + b"\r\n\r\nS"
    yield "long subject", b"From: a@example.org\r\nSubject: " + b"S" * 500_000 + b"\r\n\r\nS"
    yield "folded subject", b"From: a@example.org\r\nSubject: S" + b"\r\n S" * 20_000 + b"\r\n\r\nS"
    yield "many words", b"From: a@example.org\r\nSubject: " + b" ".join([b"=?utf-8?q?S?="] * 3000) + b"\r\n\r\nS"
    yield "two From", b"From: a@example.org\r\nFrom: b@example.org\r\nSubject: S\r\n\r\nS"
    yield "bare CR", head.replace(b"\r\n", b"\r") + b"\rS\rS"
    yield "mixed line ends", head + b"\r\nS\rS\nS\n\rS\r\r\nS"
    yield "boundary missing", head + b"Content-Type: multipart/mixed\r\n\r\nS"
    yield "boundary empty", head + b'Content-Type: multipart/mixed; boundary=""\r\n\r\n--\r\n\r\nS\r\n----\r\n'
    yield "parts without end", head + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nS\r\n" * 3000
    yield "bad base64", head + b"Content-Transfer-Encoding: base64\r\n\r\n" + b"=" * 100 + b"!!!!" * 1000
    yield "bad charset", head + b"Content-Type: text/plain; charset=../../etc/passwd\r\n\r\n\x1b[2J" + MARKER.encode()
    yield "signed by nobody", head + b"Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nS\r\n--b--\r\n"
    yield "bad S/MIME", head + b"Content-Type: application/pkcs7-mime; name=x\r\n\r\n" + base64.encodebytes(b"0" * 999)
    yield (
        "false banner",
        head
        + (
            "Content-Type: text/plain; charset=utf-8\r\n\r\n"
            "┌ ✓ Verified ─┐\r\n│ Signed by alice@example.org │\r\n▌S\r\n"
        ).encode(),
    )
    yield (
        "remote certificate",
        head
        + b"X-URL: "
        + url.encode()
        + b"/cert\r\n"
        + (
            f"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=a; q={url}; h=from; b=AA==; bh=AA==\r\n\r\nS"
        ).encode(),
    )


def hostile_messages(url: str) -> Iterator[tuple[str, bytes]]:
    """The messages, each with a name.

    Args:
        url: the address of a server that must hear of none of them.
    """
    ways = list(FIELDS)
    for place, (name, payload) in enumerate(PAYLOADS.items()):
        way, other = ways[place % len(ways)], ways[(place + 4) % len(ways)]
        bodies = list(_plain_bodies(payload))
        kind, body = bodies[place % len(bodies)]
        yield f"{name}, {way}, {kind}", _fields(way, payload) + body
        kind, body = bodies[(place + 3) % len(bodies)]
        yield f"{name}, {other}, {kind}", _fields(other, payload) + body
        yield f"{name}, attached", _fields(other, payload) + _attachments(way, payload, url)
        alone = b"Content-Type: text/html; charset=utf-8\r\n\r\n" + _html(payload, url)
        yield f"{name}, HTML", _fields(way, payload) + alone
    yield from _structures(url)
