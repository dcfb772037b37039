"""Why a verdict is what it is, as an outline: results, what each covers, and what it rests on.

The command line and the client show the same one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import singledispatch
from typing import TYPE_CHECKING

from mailsec.errors import describe
from mailsec.hooks.types import (
    Anchors,
    AuthResult,
    CertificatePath,
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
from mailsec.pipeline.chains import chain, origins
from mailsec.pipeline.clarity import READING
from mailsec.pipeline.reason import Reason, short

if TYPE_CHECKING:
    from mailsec.message import HeaderSection
    from mailsec.pipeline.report import Layer, Report, Run

__all__ = ["Reason", "as_text", "reasons"]

NAMES = {
    "arc": "ARC chain",
    "dkim": "DKIM signature",
    "dmarc": "DMARC",
    "iprev": "reverse DNS",
    "smime": "S/MIME signature",
    "spf": "SPF",
}
"""What methods are called in words; others by their registered name."""

_SMIME = {"content encryption": "S/MIME encryption", "receipt for": "S/MIME receipt"}
"""What results of S/MIME are called that are no plain signature, by a fact that they have."""

_ORDER = ("smime", "dkim", "arc", "dmarc", "spf")
_SHOWN = ("from", "sender", "reply-to", "to", "cc", "subject", "date")
_MOMENTS = {"now": "now", "delivery": "the delivery by your own server", "chosen": "chosen by you"}
_RECORD = 2_000  # characters of a DNS record that are shown


def reasons(report: Report, *, times: bool = True) -> tuple[Reason, ...]:
    """The outline of a report.

    Args:
        report: what a check found.
        times: whether it tells how long each verifier took.
    """
    by_method = sorted((one for run in report.runs for one in _of_run(report, run)), key=lambda one: one[0])
    found = [reason for _, reason in by_method]
    if not found:
        found.append(Reason("Nothing in this message could be checked: nobody has signed it."))
    found += [
        Reason(f"Layer {one.index}: the {one.reached} content of {_part(one.part)} in layer {one.parent}")
        for one in report.layers[1:]
    ]
    found.append(Reason(f"Judged at {_when(report.moment)}"))
    found += (Reason(f"Judged with {safe_text(one)}") for one in report.conditions)
    if times and report.runs:
        took = tuple(
            Reason(f"{safe_text(run.verifier)} of {safe_text(run.plugin)}: {run.seconds * 1000:.1f} ms")
            for run in report.runs
        )
        found.append(Reason("What ran, and how long", None, took, closed=True))
    found += (Reason(f"Problem: {safe_text(one.sentence)}") for one in report.problems)
    return tuple(found)


def as_text(outline: Iterable[Reason], depth: int = 0) -> Iterator[str]:
    """An outline as lines of text."""
    for one in outline:
        yield "  " * depth + one.text
        yield from as_text(one.children, depth + 1)


def _of_run(report: Report, run: Run) -> Iterator[tuple[int, Reason]]:
    """The results of a run, each with the place of its method: what a person signed goes before what servers say."""
    found = [tuple(_evidence(report, result.evidence)) for result in run.results]
    shown = {reason for of_one in found for reason in of_one}
    rest = tuple(reason for reason in _evidence(report, run.evidence) if reason not in shown)
    for number, (result, evidence) in enumerate(zip(run.results, found, strict=True)):
        more = rest if number == len(run.results) - 1 else ()
        place = _ORDER.index(result.method) if result.method in _ORDER else len(_ORDER)
        yield place, _result(report, result, (*evidence, *more))


def _result(report: Report, result: AuthResult, evidence: Sequence[Reason]) -> Reason:
    name = _name(result)
    cause = f" ({result.cause})" if result.cause is not None else ""
    who = result.properties.get("body.smime-identifier") or result.properties.get("header.d", "")
    text = f"{name}  {result.method}={result.result}{cause}"
    if who:
        text += f"  {short(who)}"
    if result.layer:
        text += f"  (layer {result.layer})"
    children: list[Reason] = []
    if result.reason:
        children.append(Reason(short(result.reason)))
    children += map(Reason, _coverage(report, result))
    children += evidence
    if result.properties:
        properties = (Reason(f"{safe_text(key)} = {short(value)}") for key, value in result.properties.items())
        children.append(Reason("properties, as in Authentication-Results", None, tuple(properties), closed=True))
    return Reason(text, result.result, tuple(children))


def _name(result: AuthResult) -> str:
    """What a result is about, in words."""
    if result.method == "smime":
        facts = {one.name for one in result.evidence if isinstance(one, Fact) and isinstance(one.name, str)}
        found = next((words for fact, words in _SMIME.items() if fact in facts), "")
        if found:
            return found
    return NAMES.get(result.method, safe_text(result.method))


def _coverage(report: Report, result: AuthResult) -> Iterator[str]:
    coverage = result.coverage
    if coverage is None or result.result is Result.NONE:
        return
    layer = report.layers[coverage.layer]
    parts = report.parts_covered(coverage)
    if report.is_whole(result):
        yield "covers: the whole body"
    elif parts or coverage.ranges:
        covered = [*(f"part {one}" for one in parts), *(f"octets {low} to {high}" for low, high in coverage.ranges)]
        yield f"covers: {', '.join(covered)}"
        left_out = [f"part {one}" for one in _leaves(layer) if not _within(one, parts)]
        yield f"does not cover: {', '.join(left_out) or 'the rest of the body'}"
        if doubt := report.doubt(result):
            yield f"not all that may be shown: {safe_text(doubt)}"
    else:
        yield "covers: nothing of the body"
    # signed content in a layer below brings its own fields that say how it is read
    wanted = (*_SHOWN, *READING) if coverage.layer == 0 else _SHOWN
    present = [name for name in wanted if report.has_field(name, coverage)]
    signer = result.properties.get("body.smime-identifier", "")
    if result.result is Result.PASS and any(same_address(signer, author) for author in report.authors):
        yield "From is vouched for by the certificate"
        present = [name for name in present if name != "from"]
    if fields := report.fields_covered(coverage):
        of = "" if coverage.layer == 0 else " of the signed content"
        yield f"header fields{of} covered: {', '.join(_counted(fields, layer.header))}"
    if missing := [name for name in present if not report.covers_field(result, name)]:
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


def _when(moment: Moment) -> str:
    return f"{moment.at:%Y-%m-%d %H:%M:%S} UTC ({_MOMENTS[moment.source]})"


def _part(path: str) -> str:
    return f"part {path}" if path else "the message"


# -- evidence ------------------------------------------------------------------------------------------------


def _evidence(report: Report, found: Iterable[Evidence]) -> Iterator[Reason]:
    """Evidence in lines but for the time of the report, which is told in the end; a plugin may have put in anything."""
    known = origins(report)
    for one in found:
        if one == report.moment:
            continue
        try:
            yield from [chain(one, known)] if isinstance(one, CertificatePath) else [*_describe(one)]
        except Exception as error:  # noqa: BLE001 - the border: it costs neither the verdict nor the other messages
            yield Reason(f"evidence that cannot be shown: {safe_text(describe(error))}")


@singledispatch
def _describe(evidence: object) -> Iterator[Reason]:
    """Evidence of one kind."""
    yield Reason(short(str(evidence)))


@_describe.register
def _(answer: DnsAnswer) -> Iterator[Reason]:
    question = f"DNS: {safe_text(answer.name)} {answer.rdtype}"
    if answer.status is not DnsStatus.FOUND:
        yield Reason(
            f"{question}: {'there is no such name' if answer.status is DnsStatus.NO_NAME else 'there is none'}"
        )
        return
    secure = "" if answer.dnssec is Dnssec.UNKNOWN else f", DNSSEC: {answer.dnssec}"
    yield Reason(f"{question} ({answer.ttl} s{secure})", None, tuple(map(_record, answer.records)))


def _record(record: bytes | str | MailExchange) -> Reason:
    if isinstance(record, bytes):
        text = f'"{record.decode("utf-8", "backslashreplace")}"'
    else:
        text = record if isinstance(record, str) else f"{record.preference} {record.host}"
    return Reason(safe_text(text if len(text) <= _RECORD else text[: _RECORD - 1] + "…"))


@_describe.register
def _(failure: DnsFailure) -> Iterator[Reason]:
    yield Reason(f"DNS: {safe_text(failure.name)} {failure.rdtype}: no answer: {short(failure.why)}")


@_describe.register
def _(document: Fetched) -> Iterator[Reason]:
    yield Reason(f"fetched: {short(document.url)}, {len(document.octets)} octets")


@_describe.register
def _(moment: Moment) -> Iterator[Reason]:
    yield Reason(f"judged at {_when(moment)}")


@_describe.register
def _(anchors: Anchors) -> Iterator[Reason]:
    prints = tuple(Reason(f"SHA-256 {one}") for one in anchors.fingerprints[:500])
    what = (
        f"certificates that you trust for {safe_text(anchors.address)} alone"
        if anchors.address
        else "trust anchors in force"
    )
    yield Reason(f"{what}: {len(anchors.fingerprints)}", None, prints, closed=True)


@_describe.register
def _(fact: Fact) -> Iterator[Reason]:
    yield Reason(f"{safe_text(fact.name)}: {short(fact.value)}")
