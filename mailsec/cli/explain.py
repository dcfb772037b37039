"""Why a verdict is what it is: every result with what it covers and rests on, layers and problems, as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import singledispatch
from typing import TYPE_CHECKING

from mailsec.cli.screen import Screen, wrap
from mailsec.cli.table import COLOURS, MARKS
from mailsec.errors import describe
from mailsec.hooks.types import (
    Anchors,
    AuthResult,
    CertificatePath,
    Coverage,
    DnsAnswer,
    DnsFailure,
    Dnssec,
    DnsStatus,
    Evidence,
    Fact,
    Fetched,
    MailExchange,
    Moment,
    Result,
)
from mailsec.message import safe_text, same_address
from mailsec.pipeline.clarity import READING

if TYPE_CHECKING:
    from mailsec.message import HeaderSection
    from mailsec.pipeline import Layer, Report

__all__ = ["explain"]

NAMES = {
    "arc": "ARC",
    "dkim": "DKIM signature",
    "dmarc": "DMARC",
    "iprev": "reverse DNS",
    "smime": "S/MIME signature",
    "spf": "SPF",
}
"""What methods are called in words; others by their registered name."""

SHOWN = ("from", "sender", "reply-to", "to", "cc", "subject", "date")
"""The header fields that a reader sees, whose coverage is named."""

_CODES = {"pass": "32", "fail": "1;31", "policy": "33", "softfail": "33", "permerror": "33", "temperror": "33"}
_SIGNS = {"pass": "V", "fail": "X", "none": "-", "neutral": "-"}
_RECORD = 400  # characters of a DNS record that are shown


def explain(report: Report, screen: Screen) -> str:
    """All that a check found about one message, as lines of text that are safe to show.

    Args:
        report: what the check found.
        screen: what the output can show.
    """
    lines = [*_head(report, screen)]
    for run in report.runs:
        shown: set[str] = set()
        for result in run.results:
            lines += _result(report, result, screen)
            shown.update(_evidence(result.evidence))
        lines += (f"      {line}" for line in _evidence(run.evidence) if line not in shown)
    lines += _layers(report.layers)
    lines += (f"  problem: {safe_text(problem.sentence)}" for problem in report.problems)
    return "\n".join(lines)


def _head(report: Report, screen: Screen) -> Iterator[str]:
    verdict = report.verdict
    level = str(verdict.level)
    subject = report.header.last("subject")  # as `Message.subject`
    yield screen.paint(f"{MARKS[level]} {level}", COLOURS[level]) + (
        f"  {safe_text(subject.value).strip()}" if subject is not None else "  (no subject)"
    )
    if report.file is not None:
        yield f"  File     {safe_text(report.file)}"
    for name in ("From", "To", "Date"):
        for field in report.header.all(name):
            yield f"  {name:<8} {safe_text(field.value).strip()}"
    columns = (screen.columns or 100) - 2
    yield from (f"  {line}" for line in wrap(safe_text(verdict.sentence), max(20, columns)))


def _result(report: Report, result: AuthResult, screen: Screen) -> Iterator[str]:
    code = str(result.result)
    sign = _SIGNS.get(code, "!")
    name = NAMES.get(result.method, result.method)
    where = "" if result.layer == 0 else f"  in layer {result.layer}"
    yield f"  {screen.paint(sign, _CODES.get(code, ''))} {name}  {result.method}={code}{where}"
    if result.reason:
        cause = f" ({result.cause})" if result.cause is not None else ""
        yield f"      {safe_text(result.reason)}{cause}"
    for key, value in result.properties.items():
        yield f"      {key} = {safe_text(value)}"
    if result.coverage is not None:
        yield from (f"      {line}" for line in _coverage(report, result, result.coverage))
    yield from (f"      {line}" for line in _evidence(result.evidence))


def _coverage(report: Report, result: AuthResult, coverage: Coverage) -> Iterator[str]:
    layer = report.layers[coverage.layer]
    parts = report.parts_covered(coverage)
    if report.is_whole(result):
        yield "covers: the whole body"
    elif parts or coverage.ranges:
        covered = [*(f"part {part}" for part in parts), *(f"octets {low} to {high}" for low, high in coverage.ranges)]
        yield f"covers: {', '.join(covered)}"
        left_out = [f"part {part}" for part in _leaves(layer) if not _within(part, parts)]
        yield f"does not cover: {', '.join(left_out) or 'the rest of the body'}"
    else:
        yield "covers: nothing of the body"
    fields = report.fields_covered(coverage)
    # signed content in a layer below brings its own fields that say how it is read
    wanted = (*SHOWN, *READING) if coverage.layer == 0 else SHOWN
    present = [name for name in wanted if report.header.first(name) is not None]
    if fields:
        of = "" if coverage.layer == 0 else " of the signed content"
        yield f"header fields{of} covered: {', '.join(_counted(fields, layer.header))}"
    signer = result.properties.get("body.smime-identifier", "")
    if result.result is Result.PASS and any(same_address(signer, author) for author in report.authors):
        yield "From is vouched for by the certificate"
        present.remove("from")
    missing = [name for name in present if not report.covers_field(result, name)]
    if missing:
        yield f"header fields not covered: {', '.join(missing)}"


def _counted(fields: Sequence[str], header: HeaderSection) -> Iterator[str]:
    """Names of header fields, each once, and of how many where there are more: somebody may have added one."""
    for name in dict.fromkeys(fields):
        covered, there = fields.count(name), len(header.all(name))
        yield safe_text(name) + (f" ({covered} of {there})" if covered < there else "")


def _leaves(layer: Layer) -> Iterator[str]:
    if layer.message is not None:
        yield from (part.path for part in layer.message.walk() if not part.children and part.path)


def _within(part: str, parts: Sequence[str]) -> bool:
    return any(part == one or part.startswith(f"{one}.") for one in parts)


def _layers(layers: Sequence[Layer]) -> Iterator[str]:
    for layer in layers[1:]:
        part = f"part {layer.part} of " if layer.part else ""
        yield f"  layer {layer.index}: the {layer.reached} content of {part}layer {layer.parent}"


# -- evidence ------------------------------------------------------------------------------------------------


def _evidence(found: Iterable[Evidence]) -> Iterator[str]:
    """Evidence in lines; a plugin may have put anything into it."""
    for one in found:
        try:
            yield from [*_describe(one)]
        except Exception as error:  # noqa: BLE001 - the border: it costs neither the verdict nor the other messages
            yield f"evidence that cannot be shown: {safe_text(describe(error))}"


@singledispatch
def _describe(evidence: object) -> Iterator[str]:
    """Evidence of one kind in lines."""
    yield safe_text(str(evidence))


@_describe.register
def _(answer: DnsAnswer) -> Iterator[str]:
    question = f"DNS: {safe_text(answer.name)} {answer.rdtype}"
    if answer.status is not DnsStatus.FOUND:
        yield f"{question}: {'there is no such name' if answer.status is DnsStatus.NO_NAME else 'there is none'}"
        return
    secure = "" if answer.dnssec is Dnssec.UNKNOWN else f", DNSSEC: {answer.dnssec}"
    for record in answer.records:
        text = safe_text(_record(record))
        yield f"{question} {text[:_RECORD]}{'…' if len(text) > _RECORD else ''} ({answer.ttl} s{secure})"


def _record(record: bytes | str | MailExchange) -> str:
    if isinstance(record, bytes):
        return f'"{record.decode("utf-8", "backslashreplace")}"'
    return record if isinstance(record, str) else f"{record.preference} {record.host}"


@_describe.register
def _(failure: DnsFailure) -> Iterator[str]:
    yield f"DNS: {safe_text(failure.name)} {failure.rdtype}: no answer: {safe_text(failure.why)}"


@_describe.register
def _(document: Fetched) -> Iterator[str]:
    yield f"fetched: {safe_text(document.url)}, {len(document.octets)} octets"


@_describe.register
def _(moment: Moment) -> Iterator[str]:
    words = {"now": "now", "delivery": "the delivery by your own server", "chosen": "chosen by you"}
    yield f"judged at: {moment.at:%Y-%m-%d %H:%M:%S} UTC ({words[moment.source]})"


@_describe.register
def _(anchors: Anchors) -> Iterator[str]:
    if anchors.address:
        yield f"certificates that you trust for {safe_text(anchors.address)} alone: {len(anchors.fingerprints)}"
    else:
        yield f"trust anchors in force: {len(anchors.fingerprints)}"


@_describe.register
def _(fact: Fact) -> Iterator[str]:
    yield f"{safe_text(fact.name)}: {safe_text(fact.value)}"


@_describe.register
def _(path: CertificatePath) -> Iterator[str]:
    from mailsec.crypto import Certificate
    from mailsec.errors import CertificateError

    last = len(path.certificates) - 1
    for place, octets in enumerate(path.certificates):
        try:
            certificate = Certificate.from_der(octets)
        except CertificateError as error:
            yield f"certificate: {safe_text(str(error))}"
            continue
        indent = "  " * place
        anchor = "  (your trust anchor)" if place == last and path.anchored else ""
        yield f"{indent}certificate: {safe_text(certificate.subject)}{anchor}"
        yield f"{indent}  issued by {safe_text(certificate.issuer)}"
        yield f"{indent}  valid {certificate.not_before:%Y-%m-%d} to {certificate.not_after:%Y-%m-%d}"
        if certificate.emails:
            yield f"{indent}  for {safe_text(', '.join(certificate.emails))}"
        yield f"{indent}  SHA-256 {certificate.fingerprint}"
    if not path.anchored:
        yield "no trust anchor at the end of this path"
