"""Building and finding protected header sections (RFC 9788 sections 2, 4.10 and 5)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsec.errors import UsageError
from mailsec.message import find_payload, matching_address, parse, parse_header, same_authors, to_crlf
from mailsec.message.protect import plain_entity, protected_entity


@pytest.mark.parametrize(
    ("one", "other", "match"),
    [
        ("alice@example.org", "ALICE@EXAMPLE.ORG", True),
        ("alice@example.org", "alice@example.org.", True),
        ("a@b\u00fccher.example", "a@xn--bcher-kva.example", True),
        ("\u00e4@example.org", "\u00c4@example.org", False),
        ("alice@example.org", "alice@sub.example.org", False),
        ("alice@example.org", "alice", False),
        ("", "", False),
    ],
)
def test_addresses_match(one: str, other: str, match: bool) -> None:
    """RFC 9788 section 4.4.5: A-labels, ASCII letters without case."""
    assert matching_address(one, other) is match


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (b"A <a@x.example>", b"B <A@X.example>", True),
        (b"a@x.example, b@x.example", b"b@x.example, a@x.example", True),
        (b"a@x.example, a@x.example", b"a@x.example, b@x.example", False),
        (b"a@x.example", b"a@x.example, b@x.example", False),
        (b"g: a@x.example;", b"g: a@x.example;", False),
        (b"", b"", False),
        (b"a@x.example\r\nFrom: a@x.example", b"a@x.example\r\nFrom: a@x.example", False),
    ],
)
def test_authors_are_the_same(one: bytes, other: bytes, same: bool) -> None:
    first, second = (parse_header(b"From: " + value + b"\r\n") for value in (one, other))
    assert same_authors(first, second) is same_authors(second, first) is same


MESSAGES = st.builds(
    lambda fields, body: b"".join(b"%b: %b\r\n" % field for field in fields) + b"\r\n" + body,
    st.lists(
        st.tuples(
            st.sampled_from([b"From", b"Subject", b"Content-Type", b"Keywords", b"HP-Outer", b"MIME-Version", b"Date"]),
            st.one_of(
                st.sampled_from(
                    [
                        b"a@example.org",
                        b"text/html; charset=utf-8",
                        b"multipart/mixed; boundary=b",
                        b"message/rfc822",
                        b"text/plain; hp=clear",
                        b"=?utf-8?q?=C3=A4?=",
                        b'text/plain; name="',
                        b"x\r\n y",
                    ]
                ),
                st.binary(max_size=30).filter(lambda octets: not set(octets) & set(b"\r\n")),
            ),
        ),
        max_size=6,
    ),
    st.sampled_from(
        [b"", b"text\r\n", b"--b\r\n\r\none\r\n--b\r\nContent-Type: text/html\r\n\r\n<body>two</body>\r\n--b--\r\n"]
    ),
)


@given(MESSAGES, st.booleans(), st.sampled_from(["baseline", "shy", "none"]))
def test_what_is_built_is_found(octets: bytes, encrypted: bool, policy: str) -> None:
    """Either the header is protected, or the writer is told that it cannot be; nothing else comes of it."""
    message = parse(octets)
    try:
        made = protected_entity(message, encrypted=encrypted, policy=policy)  # type: ignore[arg-type]
    except UsageError:
        return
    payload = find_payload(parse(made.entity).root, message.header)
    assert payload is not None
    assert payload.intent == ("cipher" if encrypted else "clear")
    assert not parse_header(made.header).all("content-type")
    kept = [field.value for field in message.header.all("subject")]
    assert [field.value for field in payload.header.all("subject")] == kept
    if encrypted and policy != "none":
        assert {field.value for field in parse_header(made.header).all("subject")} <= {"[...]"}


@given(st.binary(max_size=200))
def test_anything_can_be_taken_apart(octets: bytes) -> None:
    message = parse(octets)
    assert plain_entity(message).entity.endswith(to_crlf(message.body))
    find_payload(message.root, message.header)


@pytest.mark.parametrize(("octets", "shown"), [(100, True), (2_000_000, False)])
@pytest.mark.parametrize("attached", [False, True])
def test_fields_stand_at_the_top_of_texts_that_are_read_there(octets: int, shown: bool, attached: bool) -> None:
    """RFC 9788 section 5.2.2, and nobody looks for them in a text of megabytes; an attachment may have as many."""
    text = b"word\r\n" * (octets // 6)
    message = b"From: a@example.org\nSubject: Plan\n"
    if attached:
        message += b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\n%b\n--b\n\n%b\n--b--\n" % (
            text,
            bytes(3_000_000),
        )
    else:
        message += b"\n%b\n" % text
    made = protected_entity(parse(message), encrypted=True)
    assert (b"\r\n\r\nSubject: Plan\r\n" in made.entity) is shown
    assert made.entity.count(text) == 1
    assert len(made.entity) == sum(map(len, made.pieces()))
