"""The tree of parts (RFC 2046 section 5, RFC 1847 section 2.1, RFC 9051 section 6.4.5)."""

from __future__ import annotations

import base64

import pytest

from mailsec.message import DefectKind, Limits, Message, Part, parse


def multipart(body: bytes, boundary: bytes = b"b", subtype: bytes = b"mixed") -> bytes:
    return b'From: a@b\r\nContent-Type: multipart/%s; boundary="%s"\r\n\r\n%s' % (subtype, boundary, body)


def kinds(message: Message) -> set[DefectKind]:
    return {defect.kind for defect in message.defects}


@pytest.mark.parametrize(
    ("body", "parts", "expected"),
    [
        pytest.param(b"--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n", [b"one", b"two"], set(), id="well-formed"),
        pytest.param(b"--b\n\none\n--b--\n", [b"one"], set(), id="bare LF"),
        pytest.param(b"pre\r\n--b\r\n\r\none\r\n--b--\r\nepi", [b"one"], set(), id="preamble and epilogue"),
        pytest.param(b"--b \t\r\n\r\none\r\n--b-- \r\n", [b"one"], set(), id="transport padding"),
        pytest.param(b"--b\r\n\r\none\r\n\r\n--b--", [b"one\r\n"], set(), id="only one line end is the delimiter's"),
        pytest.param(b"--b\r\n\r\n\r\n--b--", [b""], set(), id="empty body"),
        pytest.param(b"--b\r\n--b--", [b""], set(), id="empty part"),
        pytest.param(b"--b\r\n\r\none", [b"one"], {DefectKind.NOT_CLOSED}, id="no closing delimiter"),
        pytest.param(b"no delimiter", [], {DefectKind.NO_PARTS}, id="no delimiter"),
        pytest.param(b"--b--\r\n--b\r\n\r\nx", [], {DefectKind.AFTER_CLOSE, DefectKind.NO_PARTS}, id="closed first"),
        pytest.param(
            b"--b\r\n\r\none\r\n--b--\r\n--b\r\n\r\nhidden\r\n--b--",
            [b"one"],
            {DefectKind.AFTER_CLOSE},
            id="after close",
        ),
        pytest.param(
            b"--b\r\n\r\none\r\n--bb\r\ntwo\r\n--b--",
            [b"one\r\n--bb\r\ntwo"],
            {DefectKind.BOUNDARY_PREFIX},
            id="prefix",
        ),
        pytest.param(
            b"--b\r\n\r\none\r\n--b x\r\n--b--", [b"one\r\n--b x"], {DefectKind.BOUNDARY_PREFIX}, id="junk on the line"
        ),
        pytest.param(
            b"--b\r\n\r\none\r\n--b---\r\n--b--", [b"one\r\n--b---"], {DefectKind.BOUNDARY_PREFIX}, id="three hyphens"
        ),
        pytest.param(
            b"--b\r\n\r\none\r--b\rtwo\r\n--b--",
            [b"one\r--b\rtwo"],
            {DefectKind.BARE_CR_DELIMITER},
            id="a bare CR starts no line",
        ),
        pytest.param(b"--b\r\n\r\nmid --b\r\n--b--", [b"mid --b"], set(), id="within a line"),
        pytest.param(
            b"--b\r\n\r\none\r\n--b" + b" " * 2000 + b"\r\n--b--",
            [b"one", b""],
            set(),
            id="endless padding, which relaxed canonicalization of DKIM lets anybody add",
        ),
    ],
)
def test_delimiters(body: bytes, parts: list[bytes], expected: set[DefectKind]) -> None:
    octets = multipart(body)
    message = parse(octets)
    assert bytes(message) == octets
    assert [part.content for part in message.root.children] == parts
    assert kinds(message) == expected


def test_signed_octets_are_exact() -> None:
    """The line end before a delimiter belongs to the delimiter (RFC 2046 section 5.1.1)."""
    signed = b"Content-Type: text/plain\r\n\r\nsigned \r\n\r\n"
    body = b"--b\r\n" + signed + b"\r\n--b\r\nContent-Type: application/pkcs7-signature\r\n\r\nsig\r\n--b--\r\n"
    message = parse(multipart(body, subtype=b"signed"))
    part = message.root.children[0]
    assert bytes(part.octets) == signed
    start, end = part.span
    assert bytes(message)[start:end] == signed
    assert bytes(message)[slice(*part.body_span)] == bytes(part.body) == b"signed \r\n\r\n"


def test_preamble_and_epilogue_spans() -> None:
    octets = multipart(b"pre\r\n--b\r\n\r\none\r\n--b--\r\nepi")
    root = parse(octets).root
    assert octets[slice(*root.preamble_span)] == b"pre"
    assert octets[slice(*root.epilogue_span)] == b"epi"


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        pytest.param(b"multipart/mixed", DefectKind.NO_BOUNDARY, id="missing"),
        pytest.param(b'multipart/mixed; boundary=""', DefectKind.NO_BOUNDARY, id="empty"),
        pytest.param(b'multipart/mixed; boundary="  "', DefectKind.NO_BOUNDARY, id="blank"),
        pytest.param(b"multipart/mixed; boundary=" + b"x" * 600, DefectKind.NO_BOUNDARY, id="too long"),
        pytest.param(b"multipart/mixed; boundary=a; boundary=b", DefectKind.DUPLICATE_PARAMETER, id="twice"),
    ],
)
def test_boundaries_that_cannot_be_used(content_type: bytes, kind: DefectKind) -> None:
    message = parse(b"Content-Type: " + content_type + b"\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n")
    assert message.root.children == ()
    assert kind in kinds(message)
    assert message.root.content.startswith(b"--b")


@pytest.mark.parametrize(
    "parameter",
    [
        pytest.param(b'boundary="b c"', id="quoted"),
        pytest.param(b'boundary="b c  "', id="white space at the end"),
        pytest.param(b'boundary*0=b; boundary*1=" c"', id="RFC 2231 continuation"),
        pytest.param(b'BOUNDARY = "b c" (comment)', id="case, spaces, comment"),
        pytest.param(b'boundary="b\\ c"', id="quoted pair"),
    ],
)
def test_forms_of_the_boundary(parameter: bytes) -> None:
    message = parse(b"Content-Type: multipart/mixed; " + parameter + b"\r\n\r\n--b c\r\n\r\nx\r\n--b c--\r\n")
    assert [part.content for part in message.root.children] == [b"x"]


def test_an_outer_delimiter_ends_an_inner_multipart() -> None:
    """RFC 2046 section 5.1.2."""
    inner = b"Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\nx"
    message = parse(multipart(b"--b\r\n" + inner + b"\r\n--b\r\n\r\ny\r\n--b--"))
    first, second = message.root.children
    assert [part.content for part in first.children] == [b"x"]
    assert second.content == b"y"
    assert kinds(message) == {DefectKind.NOT_CLOSED}


def test_an_inner_boundary_that_starts_with_the_outer_one() -> None:
    inner = b"Content-Type: multipart/mixed; boundary=bb\r\n\r\n--bb\r\n\r\nx\r\n--bb--\r\n"
    message = parse(multipart(b"--b\r\n" + inner + b"\r\n--b--"))
    assert [part.path for part in message.walk()] == ["", "1", "1.1"]
    assert DefectKind.BOUNDARY_PREFIX in kinds(message)


def test_nested_identical_boundaries_are_a_defect() -> None:
    inner = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n"
    message = parse(multipart(b"--b\r\n" + inner + b"\r\n--b--"))
    assert DefectKind.NESTED_BOUNDARY in kinds(message)
    assert [part.content for part in message.walk()][-1] == b"x"


INNER = (
    b"Subject: in\r\nContent-Type: multipart/alternative; boundary=i\r\n\r\n--i\r\n\r\nx\r\n--i\r\n\r\ny\r\n--i--\r\n"
)


def test_section_numbers() -> None:
    """RFC 9051 section 6.4.5; the root of a message inside a part is `TEXT` or `1`."""
    rfc822 = b"Content-Type: message/rfc822\r\n\r\n"
    message = parse(
        multipart(
            b"--b\r\n\r\nx\r\n--b\r\n" + rfc822 + INNER + b"\r\n--b\r\n" + rfc822 + b"Subject: t\r\n\r\nt\r\n--b--"
        )
    )
    assert [part.path for part in message.walk()] == ["", "1", "2", "2.TEXT", "2.1", "2.2", "3", "3.1"]
    assert [part.depth for part in message.walk()] == [0, 1, 1, 2, 3, 3, 1, 2]
    found = message.part("2.2")
    assert found is not None
    assert found.content == b"y"
    assert found.enclosing.subject == "in"
    assert found.parent is not None
    assert found.parent.parent is message.part("2")
    assert message.part("9") is None
    assert [part.path for part in parse(b"\r\nx").walk()] == ["1"]


def test_a_message_inside_counts_in_the_same_buffer() -> None:
    octets = multipart(b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + INNER + b"\r\n--b--")
    part = parse(octets).root.children[0]
    assert part.message is not None
    assert bytes(part.message) == INNER == part.content
    assert octets[part.message.body_start :].startswith(b"--i")
    field = part.message.header[0]
    assert octets[slice(*field.span)] == b"Subject: in\r\n"


@pytest.mark.parametrize("content_type", [b"message/rfc822", b"message/global"])
def test_an_encoded_message_is_opened(content_type: bytes) -> None:
    octets = b"Content-Type: %s\r\nContent-Transfer-Encoding: base64\r\n\r\n%s" % (
        content_type,
        base64.encodebytes(INNER),
    )
    message = parse(octets)
    assert [part.path for part in message.walk()] == ["1", "1.TEXT", "1.1", "1.2"]
    inner = message.root.message
    assert inner is not None
    assert bytes(inner) == INNER
    assert inner is message.root.message
    assert (DefectKind.ENCODED_COMPOSITE in kinds(message)) == (content_type == b"message/rfc822")


def test_digest_default() -> None:
    """RFC 2046 section 5.1.5."""
    message = parse(multipart(b"--b\r\n\r\nSubject: d\r\n\r\nx\r\n--b--", subtype=b"digest"))
    part = message.root.children[0]
    assert part.content_type == "message/rfc822"
    assert part.message is not None
    assert part.message.subject == "d"


@pytest.mark.parametrize("kind", ["message/partial", "message/external-body", "message/delivery-status"])
def test_other_messages_are_what_they_are(kind: str) -> None:
    message = parse(f"Content-Type: {kind}; id=x\r\n\r\nSubject: y\r\n\r\nz".encode())
    assert [part.content_type for part in message.walk()] == [kind]
    assert message.root.message is None


def test_an_encoding_on_a_multipart_is_ignored() -> None:
    """RFC 2045 section 6.4."""
    octets = multipart(b"--b\r\n\r\nx\r\n--b--").replace(b"From", b"Content-Transfer-Encoding: base64\r\nFrom")
    message = parse(octets)
    assert [part.content for part in message.root.children] == [b"x"]
    assert kinds(message) == {DefectKind.ENCODED_COMPOSITE}


def test_depth_limit() -> None:
    octets = b"".join(b"Content-Type: multipart/mixed; boundary=%d-\r\n\r\n--%d-\r\n" % (n, n) for n in range(5000))
    message = parse(octets)
    parts = list(message.walk())
    assert len(parts) == Limits().depth
    assert DefectKind.TOO_DEEP in kinds(message)
    assert bytes(message) == octets


def test_depth_limit_through_messages() -> None:
    octets = b"Content-Type: message/rfc822\r\n\r\n" * 5000
    message = parse(octets)
    assert len(list(message.walk())) == Limits().depth
    assert DefectKind.TOO_DEEP in kinds(message)


def test_depth_limit_through_encoded_messages() -> None:
    octets = b"From: a@b\r\n\r\nx"
    for _ in range(12):
        octets = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.b64encode(octets)
    assert len(list(parse(octets, Limits(depth=6)).walk())) == 6
    assert len(list(parse(octets).walk())) == 13


def test_parts_limit_does_not_depend_on_who_asks_first() -> None:
    inner = b"Content-Type: multipart/mixed; boundary=i\r\n\r\n" + b"--i\r\n\r\nx\r\n" * 6 + b"--i--"
    octets = multipart((b"--b\r\n" + inner + b"\r\n") * 3 + b"--b--")

    def shape(message: Message) -> list[int]:
        return [len(part.children) for part in message.root.children]

    walked, asked = parse(octets, Limits(parts=12)), parse(octets, Limits(parts=12))
    list(walked.walk())
    _ = asked.root.children[-1].children
    assert shape(walked) == shape(asked) == [6, 3, 0]
    assert DefectKind.TOO_MANY_PARTS in kinds(walked)


def test_look_alike_limit() -> None:
    message = parse(multipart(b"--bx\r\n" * 50 + b"--b\r\n\r\nx\r\n--b--"), Limits(stray_delimiters=10))
    assert message.root.children == ()
    assert DefectKind.TOO_MANY_DELIMITERS in kinds(message)


def test_a_part_without_header_and_blank_line_shows_its_text() -> None:
    message = parse(multipart(b"--b\r\nHello there\r\nworld\r\n--b--"))
    assert message.root.children[0].text == "Hello there\nworld"
    assert kinds(message) == {DefectKind.NO_HEADER}


def test_cr_line_ends_throughout() -> None:
    octets = multipart(b"--b\r\n\r\none\r\n--b--\r\n").replace(b"\r\n", b"\r")
    message = parse(octets)
    assert [part.content for part in message.root.children] == [b"one"]
    assert bytes(message) == octets


def test_parts_are_read_only() -> None:
    part: Part = parse(bytearray(b"\r\nx")).root
    assert part.octets.readonly
    assert part.body.readonly
