"""A campaign of single-octet changes: whatever alters what is signed must fail, whatever does not must pass.

dkimpy reads and judges each mutant too. Where it disagrees, the reason is one of those in `explain`, and none else.
"""

from __future__ import annotations

import base64
import collections
import itertools
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

import dkim

from mailsec.hooks import Cause, Result

PAIRS = [f"{header}/{body}" for header, body in itertools.product(("simple", "relaxed"), repeat=2)]
SIGNED = "from:to:subject:date:message-id:from"
OCTETS = b" \t\r\n;=:aZ0.\xe4\x01"
EACH = 150  # mutants of a message


def mutants(octets: bytes, chance: random.Random) -> Iterator[tuple[str, int, bytes]]:
    """Replacements, insertions and deletions of one octet anywhere, as many in the signature as in all the rest."""
    end = octets.index(b"\r\nReceived:")
    for number in range(EACH):
        at = chance.randrange(end) if number % 2 else chance.randrange(end, len(octets))
        kind = ("replace", "insert", "delete")[number % 3]
        octet = bytes((chance.choice(OCTETS),))
        if chance.random() < 0.3:  # where canonicalization looks
            at = chance.choice([match.start() for match in re.finditer(rb"[ \t\r\n]", octets)])
        elif chance.random() < 0.2:
            octet = octets[at : at + 1].swapcase()
        changed = octets[:at] + (b"" if kind == "delete" else octet) + octets[at + (kind != "insert") :]
        if changed != octets:
            yield kind, at, changed


def signed_octets(octets: bytes, pair: str) -> Any:
    """What a message signs by dkimpy's reading of it: equal for two messages if a change is one to ignore."""
    try:
        fields, body = dkim.rfc822_parse(octets)
    except dkim.MessageFormatError:
        return None
    head, tail = (dkim.canonicalization.ALGORITHMS[name.encode()] for name in pair.split("/"))
    chosen = dkim.select_headers(head.canonicalize_headers(fields), [name.encode() for name in SIGNED.split(":")])
    own = [field for field in fields if field[0].lower() == b"dkim-signature"]
    if len(own) != 1:
        return None
    ((name, value),) = head.canonicalize_headers(own)
    before, _, signature = value.rpartition(b"b=")
    try:
        signature = base64.b64decode(re.sub(rb"\s", b"", signature), validate=True)
    except ValueError:
        return None
    return name, before, signature, [tuple(field) for field in chosen], tail.canonicalize_body(body)


def judge(octets: bytes, records: dict[str, bytes]) -> bool | None:
    """What dkimpy says; `None` where it refuses to read the message."""
    try:
        return bool(dkim.verify(octets, dnsfunc=lambda name, **_: records.get(name.decode("latin-1")[:-1])))
    except dkim.MessageFormatError:
        return None
    except (dkim.DKIMException, ValueError):
        return False


def explain(octets: bytes, judged: bool | None) -> str:
    """Why dkimpy may say something else of a mutant than we do."""
    if judged is None:
        return "dkimpy refuses a message with a line in the header section that is no field"
    if re.search(rb"\r(?!\n)", octets):
        return "a bare CR is white space to dkimpy, which RFC 6376 section 2.8 does not say"
    if re.search(rb"(?<!\r)\n", octets.partition(b"\r\n\r\n")[2]):
        return "a bare LF ends a line to dkimpy even in a body whose lines end in CRLF, against RFC 6376 section 3.4"
    return ""


def causes(octets: bytes, at: int) -> set[Cause]:
    """The causes that a failure may have, by where the change is."""
    signature_end = octets.index(b"Received:")
    body_start = octets.index(b"\r\n\r\n") + 4
    if at >= body_start:
        return {Cause.DIGEST}
    if at > signature_end:
        # a line end that comes or goes may move the border to the body
        near = b"\n" in octets[at - 2 : at + 3]
        return {Cause.SIGNATURE, Cause.DIGEST} if near else {Cause.SIGNATURE}
    tag = octets[:at].rpartition(b";")[2].partition(b"=")[0].split()[-1:]
    if tag == [b"bh"] and octets[at - 1 : at + 1].isalnum():
        return {Cause.DIGEST, Cause.SYNTAX, Cause.SIGNATURE}  # white space in it alters the field but not its value
    if tag == [b"b"] and octets[at - 1 : at + 1].isalnum():
        return {Cause.SIGNATURE, Cause.SYNTAX, Cause.DIGEST}
    return {Cause.SIGNATURE, Cause.DIGEST, Cause.SYNTAX, Cause.UNSUPPORTED, Cause.NO_KEY, Cause.KEY}


async def test_single_octet_changes(
    *,
    craft: Callable[..., bytes],
    rsa_key: Any,
    ed25519_key: Any,
    records: dict[str, bytes],
    verify: Callable[..., Any],
    dkimpy: str,
    figure: Callable[[str], None],
) -> None:
    counted: collections.Counter[str] = collections.Counter()
    reasons: collections.Counter[str] = collections.Counter()
    for pair, key in itertools.product(PAIRS, (rsa_key, ed25519_key)):
        octets = craft(key, c=pair, h=SIGNED, i="@mail.example.org", t="1777629600")
        wanted = signed_octets(octets, pair)
        assert judge(octets, records)
        for change, at, changed in mutants(octets, random.Random(f"{pair} {key.algorithm}")):
            results = await verify(changed)
            passed = any(result.result is Result.PASS for result in results)
            judged = judge(changed, records)
            ignorable = signed_octets(changed, pair) == wanted
            where = (pair, change, at, changed[max(0, at - 20) : at + 20], judged, results)
            explanation = explain(changed, judged)
            if passed != bool(judged):
                assert explanation, where
                reasons[explanation] += 1
            if not explanation:
                assert passed == ignorable, where
            for result in results:
                assert result.result in {Result.PASS, Result.FAIL, Result.PERMERROR, Result.NONE}, where
                if result.result in {Result.FAIL, Result.PERMERROR}:
                    assert result.cause in causes(octets, at), where
                    assert result.coverage is None
            counted["passed" if passed else "failed"] += 1
    tried = counted.total()
    assert tried >= 1000
    assert min(counted.values()) >= 100
    figure(
        f"single-octet changes: {tried} tried over eight messages, {counted['failed']} failed as they must and"
        f" {counted['passed']} passed as they must; {dkimpy} judged {reasons.total()} otherwise"
    )
    for reason, count in reasons.items():
        figure(f"of these {count:2}: {reason}")
