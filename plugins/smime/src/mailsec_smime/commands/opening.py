"""`verify` and `decrypt`: what is protected is opened, and its content given where all of it holds."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Final

from mailsec.errors import UsageError
from mailsec.hooks import Cause, Opener, Result
from mailsec.hooks.manager import Registered
from mailsec.message import find_payload, is_structural, parse, safe_text
from mailsec.pipeline import Runner, Services
from mailsec.pipeline.verdict import Level
from mailsec.store.keys.making import check_addresses
from mailsec_smime.commands.contexts import WatchedKeys
from mailsec_smime.commands.files import decrypt_file, verify_file
from mailsec_smime.commands.limits import SECONDS
from mailsec_smime.commands.reading import read_input, structure
from mailsec_smime.commands.writing import Output
from mailsec_smime.opening import CONTENT_TYPES, open_part

if TYPE_CHECKING:
    import argparse

    from mailsec.hooks import AuthResult, CommandContext
    from mailsec.message import Message
    from mailsec.pipeline import Report
    from mailsec.pipeline.report import Layer
    from mailsec_smime.spooling import Piece

DONE: Final = 0
NOT: Final = 1
LATER: Final = 3

_BROKEN: Final = frozenset({Result.FAIL, Result.PERMERROR})
_ADDRESS: Final = "body.smime-identifier"


async def verify(arguments: argparse.Namespace, context: CommandContext) -> int:
    """`verify`: whose signature it is, and with `--output` what it is for."""
    if arguments.author is not None:
        check_addresses([arguments.author])
    output = None if arguments.output is None else Output(arguments.output, force=arguments.force)
    if arguments.json and output is not None and output.is_standard:
        raise UsageError("the report and the content cannot both go to standard output: give --output FILE")
    octets = read_input(arguments.file)
    detached = None if arguments.content is None else read_input(arguments.content)
    found = structure(octets)
    quiet = output is not None and output.is_standard
    if found is not None or detached is not None:
        if arguments.json or arguments.message:
            option = "--json" if arguments.json else "--message"
            raise UsageError(f"{option} is for messages, and this is a file")
        verified = await verify_file(
            octets if found is None else found,
            detached,
            arguments.author,
            context,
            fetch_issuers=arguments.fetch_issuers,
        )
        _tell(verified.sentences, quiet=quiet)
        if verified.good and output is not None:
            output.write((verified.content,))
        return DONE if verified.good else LATER if verified.temporary else NOT
    if arguments.author is not None:
        raise UsageError("--from goes with a file; of a message its author must have signed it")
    report, keys = await _open(parse(octets), context, fetch_issuers=arguments.fetch_issuers)
    level = report.verdict.level
    if level is not Level.VERIFIED and keys.trouble is not None:
        raise keys.trouble
    if arguments.json:
        print(report.to_json())
    else:
        _tell((f"{level}: {report.verdict.sentence}", *_layers(report)), quiet=quiet)
    if level is not Level.VERIFIED:
        return LATER if _is_temporary(report) else NOT
    if output is not None:
        output.write(_content(report, _chain(report)[-1], whole=arguments.message))
    return DONE


async def decrypt(arguments: argparse.Namespace, context: CommandContext) -> int:
    """`decrypt`: what is encrypted, and whatever is signed or encrypted inside it, opened in turn."""
    output = Output(arguments.output or "-", force=arguments.force)
    octets = read_input(arguments.file)
    found = structure(octets)
    if found is not None:
        if arguments.message:
            raise UsageError("--message is for messages, and this is a file")
        decrypted = decrypt_file(found, context)
        _tell(decrypted.sentences, quiet=True)
        if decrypted.good:
            output.write((decrypted.content,))
        return DONE if decrypted.good else NOT
    report, keys = await _open(parse(octets), context)
    chain = _chain(report)
    if trouble := _not_decrypted(report, chain):
        if keys.trouble is not None:
            raise keys.trouble
        _tell((trouble, *_layers(report)), quiet=True)
        return LATER if _is_temporary(report) else NOT
    _tell((f"{report.verdict.level}: {report.verdict.sentence}", *_layers(report)), quiet=True)
    output.write(_content(report, chain[-1], whole=arguments.message))
    return DONE


async def _open(
    message: Message, context: CommandContext, *, fetch_issuers: bool = False
) -> tuple[Report, WatchedKeys]:
    """Opens all that is protected in a message, as the client and `mailsec check` do, and looks at nothing else."""
    opener = Opener(name="smime", methods=("smime",), content_types=CONTENT_TYPES, open=open_part, timeout=SECONDS)
    keys = WatchedKeys(context.keys)
    services = Services(context.resolver, context.fetcher, context.trust, keys, context.correspondents)
    moment = context.moment
    chosen = (f"the time {moment.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",) if moment.source == "chosen" else ()
    runner = Runner(
        [],
        [Registered(opener, "smime")],
        services=services,
        settings={"smime": context.settings},
        timeout=SECONDS,
        conditions=chosen,
    )
    return await runner.check(message, moment=moment, fetch_issuers=fetch_issuers), keys


def _chain(report: Report) -> list[Layer]:
    """The message and what lies in it, each layer the whole of what is around it, down to the content."""
    chain = [report.layers[0]]
    for layer in report.layers[1:]:
        if layer.parent == chain[-1].index and layer.opened is not None and layer.opened.parent is None:
            chain.append(layer)
    return chain


def _not_decrypted(report: Report, chain: Sequence[Layer]) -> str:
    """Why nothing that was encrypted is given; an empty sentence where it is."""
    broken = next((one for one in report.results if one.result in _BROKEN), None)
    if broken is not None:
        return f"What is signed in the message is broken, so nothing of it is given: {safe_text(broken.reason)}."
    late = next((one for one in report.results if one.result is Result.TEMPERROR), None)
    if late is not None:
        return f"The message could not be opened: {safe_text(late.reason)}."
    closed = next((one for one in report.results if one.result is Result.NEUTRAL), None)
    if closed is not None:
        return f"The message was not decrypted: {safe_text(closed.reason)}."
    if any(layer.reached == "encrypted" for layer in chain):
        return ""
    if any(layer.reached == "encrypted" for layer in report.layers):
        return (
            "Only a part of the message is encrypted: it is read in the client, which shows where it begins and ends."
        )
    return "The message is not encrypted: there is nothing to decrypt."


def _is_temporary(report: Report) -> bool:
    return report.verdict.temporary or any(one.cause is Cause.FETCH for one in report.results)


def _layers(report: Report) -> Iterator[str]:
    """What was found on each layer, from the outside in, where there is more than one."""
    if len(report.results) > 1:
        yield from (f"  {_line(one)}" for one in report.results)


def _line(result: AuthResult) -> str:
    address = result.properties.get(_ADDRESS)
    words = f"signature {result.result}" if address or result.result not in {Result.NONE, Result.NEUTRAL} else ""
    said = ", ".join(filter(None, (words + (f" by {address}" if address else ""), result.reason)))
    return safe_text(f"layer {result.layer}: {said}")


def _content(report: Report, layer: Layer, *, whole: bool) -> Iterable[Piece]:
    """The content as it was protected, with the outer header fields before it where a whole message is wanted."""
    message = layer.message
    assert message is not None  # a whole message was opened
    if not whole:
        yield message.octets
        return
    outer = report.layers[0].header
    payload = find_payload(message.root, outer)
    if payload is None:
        own = {field.key for field in message.header}
        for field in outer:
            if not is_structural(field) and field.key not in own:
                yield field.raw
    elif payload.scheme == "rfc8551" and message.root.message is not None:
        yield message.root.message.octets
        return
    yield b"MIME-Version: 1.0\r\n"
    yield message.octets


def _tell(sentences: Iterable[str], *, quiet: bool) -> None:
    """Prints sentences, on standard error where standard output is for the content."""
    for sentence in sentences:
        print(sentence, file=sys.stderr if quiet else sys.stdout, flush=True)
