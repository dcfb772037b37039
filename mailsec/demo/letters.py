"""Messages that nobody signed: languages, HTML, attachments, and what hostile senders try."""

from __future__ import annotations

from base64 import b64decode

from mailsec.demo.example import Example, collector
from mailsec.demo.world import CAROL, World
from mailsec.message.compose import Entity, attachment, image, multipart, nested, text, write_message

__all__ = ["LETTERS", "PIXEL"]

LETTERS: list[Example] = []
example = collector(LETTERS)

PIXEL = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAYAAAAf8/9hAAAAZ0lEQVR42mPQiDrBQAnGJigLxB1AfBmIf0HxZaiYLCEDUqAa/uPAv6BqsBqQ"
    "gkcjOk5BN0CWgM3YXCKLbEAHCZphuAPZgMtkGHAZ2YBfZBjwi6oGUOwFigOR4mikOCFRJSlTJTORjAGDtOQU/oQaHAAAAABJRU5ErkJggg=="
)
"""A blue dot as PNG, 16 by 16."""


@example("unsigned", "unauthenticated", 19)
async def plain(world: World) -> bytes:
    return world.draft("Nightly run 4411", "All 2,311 jobs ended well.\n", "build-bot <bot@example.com>")


@example("a result that the sender forged: Authentication-Results of the reader's own server", "unauthenticated", 19)
async def forged_results(world: World) -> bytes:
    forged = "mx.example.net; dkim=pass header.d=bank.example; spf=pass; dmarc=pass header.from=bank.example"
    return world.draft(
        "Please confirm your account",
        "Your account has been verified. Confirm it again.\n",
        "Example Bank <service@bank.example>",
        fields=(("Authentication-Results", forged),),
    )


@example("two From fields", "warning", 1)
async def two_from_fields(world: World) -> bytes:
    draft = world.draft("Who am I?", "One of us wrote this.\n", CAROL)
    return b"From: The Director <director@example.org>\r\n" + draft


@example("no From field", "warning", 1)
async def no_from_field(world: World) -> bytes:
    draft = world.draft("Nobody wrote this", "Really.\n", "x@example.org")
    return draft.replace(b"From: x@example.org\r\n", b"", 1)


@example("a group in From", "warning", 1)
async def group_in_from(world: World) -> bytes:
    draft = world.draft("The board has decided", "Unanimously.\n", "x@example.org")
    return draft.replace(b"From: x@example.org\r\n", b"From: The Board: alice@example.org, bob@example.net;\r\n", 1)


@example("a display name that is somebody else's address", "unauthenticated", 19)
async def hostile_display_name(world: World) -> bytes:
    author = '"Alice Example <alice@example.org>" <mallory@example.com>'
    return world.draft("New bank details", "Please use the account below from now on.\n", author)


@example("a display name in letters that look like others", "unauthenticated", 19)
async def lookalike_name(world: World) -> bytes:
    # Cyrillic letters in the name, and in the domain too when its A-label is decoded
    return world.draft("Your password", "It expires today.\n", "Аlісе Ехаmрlе <alice@xn--ml-6kctd8d6a.example>")


@example("ESC sequences, C1 controls and bells in name, subject and text", "unauthenticated", 19)
async def hostile_controls(world: World) -> bytes:
    body = text(
        "Clear the screen: \x1b[2J\x1b[H\nTitle: \x1b]0;owned\x07\nC1: \x9b31m red \x9bm\nBackspace: safe"
        "\x08\x08\x08\x08evil\n"
        "Carriage return: V verified\x0b\nNUL and DEL: \x01\x7f\n",
        encoding="base64",
    )
    draft = world.draft("@SUBJECT@", author="Terminal <terminal@example.com>")
    head = draft.partition(b"Subject: @SUBJECT@\r\n")
    subject = b"Subject: \x1b[31mV verified\x1b[0m =?utf-8?Q?=1B]0;owned=07_=C2=9B2J?=\r\n"
    fields = (head[0] + subject + head[2]).partition(b"MIME-Version")[0]
    return fields.replace(b"From: Terminal", b"From: \x1b[2JTerminal") + _entity(body)


@example("bidi overrides, zero-width and tag characters in name, subject and file name", "unauthenticated", 19)
async def hostile_bidi(world: World) -> bytes:
    return world.draft(
        "Invoice \u202egpj.exe\u202c and \u2066hidden\u2069 \u200b\u200d\ufeffthings \U000e0041\U000e0042",
        "Line\u2028separator and Z\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308\u0309\u030a\u030b\u030calgo.\n",
        "\u202eecilA\u202c <mallory@example.com>",
        attachments=(attachment(b"MZ", "photo\u202egpj.exe"), attachment(b"x", "../../../.bashrc")),
    )


@example("markup that some clients obey", "unauthenticated", 19)
async def hostile_markup(world: World) -> bytes:
    page = (
        '<html><head><meta http-equiv="refresh" content="0;url=http://example.com/"><style>@import url(http://example.'
        "com/x.css);</style></head><body onload=alert(1)><script>alert(1)</script><img src=http://example.com/pixel.png"
        '><a href="http://example.com/">https://bank.example/</a>[bold]not bold[/red]</body></html>'
    )
    return world.draft("[bold red]V verified[/]", None, "Markup <markup@example.com>", html=page)


@example("HTML with an image inside", "unauthenticated", 19)
async def html_and_image(world: World) -> bytes:
    page = '<h1>Hello</h1><p>A dot: <img src="cid:dot@example.com" alt="dot"></p><ul><li>one<li>two</ul>'
    return world.draft("A page", None, CAROL, html=page, images=(image(PIXEL, "dot@example.com", filename="dot.png"),))


@example("attachments of many kinds", "unauthenticated", 19)
async def attachments(world: World) -> bytes:
    return world.draft(
        "Files",
        "Four files.\n",
        CAROL,
        attachments=(
            attachment(PIXEL, "dot.png", "image/png"),
            attachment(b"RIFF\x24\0\0\0WAVEfmt ", "silence.wav", "audio/wav"),
            attachment(b"\0" * 4096, "zeros.bin"),
            attachment("Blåbærsyltetøy\n".encode(), "blåbær – 果物.txt", "text/plain", params={"charset": "utf-8"}),
        ),
    )


@example("right-to-left scripts: Arabic, Hebrew, Persian", "unauthenticated", 19)
async def right_to_left(world: World) -> bytes:
    return world.draft(
        "مرحبا بالعالم – שלום עולם",
        "مرحبا روبن،\n\nنلتقي غدا في الساعة 10:30 في المقهى (Café).\n\nשלום רובין,\n\nניפגש מחר ב־10:30 בבית הקפה.\n\n"
        "سلام رابین،\n\nفردا ساعت ۱۰:۳۰ در کافه.\n",
        "ليلى <layla@example.com>",
    )


@example("wide characters: Chinese, Japanese, Korean, emoji", "unauthenticated", 19)
async def wide_characters(world: World) -> bytes:
    return world.draft(
        "會議記錄 · 議事録 · 회의록 📝",
        "您好,\n\n附件是昨天的會議記錄。\n\nこんにちは。\n\n昨日の議事録を送ります。"
        "\n\n안녕하세요.\n\n어제 회의록입니다."
        "\n\n👩‍💻 👨‍👩‍👧 🇪🇺\n",
        "山田太郎 <taro@example.com>",
    )


@example("scripts of many languages", "unauthenticated", 19)
async def many_scripts(world: World) -> bytes:
    return world.draft(
        "Привет, γειά σου, नमस्ते, สวัสดี, გამარჯობა",
        "Русский: съешь ещё этих мягких французских булок.\nΕλληνικά: ξεσκεπάζω την ψυχοφθόρα βδελυγμία.\n"
        "हिन्दी: क्या हाल है?\nไทย: เป็นมนุษย์สุดประเสริฐ\nქართული: როგორ ხარ?\nአማርኛ: እንደምን ነህ?\nTiếng Việt: chào bạn.\n"
        "Türkçe: İyi günler, ılık çay.\nÍslenska: kæmi ný öxi hér.\n",
        "Дмитрий Иванов <dmitri@example.com>",
    )


@example("old charsets: ISO-2022-JP, KOI8-R, windows-1252", "unauthenticated", 19)
async def old_charsets(world: World) -> bytes:
    parts = (
        text("日本語の手紙。\n", charset="iso-2022-jp", encoding="7bit"),
        text("Письмо на русском.\n", charset="koi8-r", encoding="base64"),
        text("“Grüße” – 10 €\n", charset="windows-1252", encoding="quoted-printable"),
    )
    head = world.draft("@SUBJECT@", author=CAROL).partition(b"MIME-Version")[0]
    subject = b"Subject: =?iso-2022-jp?B?GyRCRnxLXDhsGyhC?= =?koi8-r?B?8NLJ18XU?= =?windows-1252?Q?Gr=FC=DFe?=\r\n"
    return head.replace(b"Subject: @SUBJECT@\r\n", subject) + _entity(multipart("mixed", *parts))


@example("flowed text with quotes (format=flowed)", "unauthenticated", 19)
async def flowed(world: World) -> bytes:
    body = text(
        ">> Shall we meet on Monday, or is it better to \n>> wait until everybody is back?\n"
        "> Monday is fine, as long as \n> it is not too early.\n"
        "Then Monday at ten, in the small room on \nthe second floor.\n-- \nCarol\n",
        params={"format": "flowed", "delsp": "no"},
    )
    return world.draft("Re: Monday", author=CAROL).partition(b"MIME-Version")[0] + _entity(body)


@example("forty messages inside each other", "unauthenticated", 19)
async def deep_nesting(world: World) -> bytes:
    inner = world.draft("The innermost", "You found it.\n", CAROL)
    for depth in range(40, 0, -1):
        fields = [("From", CAROL), ("Subject", f"Depth {depth}"), ("Date", "Fri, 01 May 2026 12:00:00 +0000")]
        inner = write_message(fields, nested(inner))
    fields_of_top = world.draft("Matryoshka", author=CAROL).partition(b"MIME-Version")[0]
    return fields_of_top + _entity(multipart("mixed", text("Open it.\n"), nested(inner, "all.eml")))


@example("broken MIME: no end, an unknown charset, 8-bit junk in fields", "unauthenticated", 19)
async def broken_mime(world: World) -> bytes:
    head = world.draft("@SUBJECT@", author=CAROL).partition(b"MIME-Version")[0]
    return (
        head.replace(b"Subject: @SUBJECT@", b"Subject: caf\xe9 \xff\xfe and =?x-unknown?Q?words?= =?utf-8?B?!!!?=")
        + b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=never\r\n\r\n--never\r\n"
        + b"Content-Type: text/plain; charset=x-klingon\r\nContent-Transfer-Encoding: x-none\r\n\r\nnuqneH \xff\r\n"
    )


def _entity(entity: Entity) -> bytes:
    """An entity as the rest of a message whose header fields stand already."""
    return b"MIME-Version: 1.0\r\n" + bytes(entity)
