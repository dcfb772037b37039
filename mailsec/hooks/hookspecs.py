"""The plugin interface: the hooks that a plugin may implement.

A plugin is a module named by an entry point in the group `mailsec`; its hooks are functions of that module
marked with `hookimpl`. Each hook is called at most once, on its own, the first time its kind is needed; what
it returns is validated then. So import heavy modules inside the hook, never at the top of the module.

A hook returns descriptors only. Ordering, time limits, isolation and concurrency are the runner's work.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pluggy

from mailsec.hooks.types import (
    Command,
    Guard,
    Opener,
    Panel,
    Protector,
    Sealer,
    StoreProvider,
    SubmitterProvider,
    Verifier,
)

hookspec = pluggy.HookspecMarker("mailsec")
hookimpl = pluggy.HookimplMarker("mailsec")


@hookspec
def mailsec_verifiers() -> Sequence[Verifier]:
    """Verifiers judge a message in transit; everything that reads mail uses them.

    Example:
        A verifier that says whether the message has a List-Id field:

            from mailsec.hooks import AuthResult, Result, Verifier, hookimpl


            def start(header_section, context):
                found = header_section.first("list-id") is not None
                return [AuthResult("x-list", Result.PASS if found else Result.NONE)]


            @hookimpl
            def mailsec_verifiers():
                return [Verifier(name="list", methods=("x-list",), start=start)]
    """
    raise NotImplementedError


@hookspec
def mailsec_openers() -> Sequence[Opener]:
    """Openers take the protection off a MIME part: they verify what is signed and decrypt what is encrypted.

    Example:
        An opener for parts that are only wrapped:

            from mailsec.hooks import AuthResult, Opened, Opener, Result, hookimpl


            async def unwrap(part, context):
                return Opened(part.content, "compressed", (AuthResult("x-wrap", Result.NONE),))


            @hookimpl
            def mailsec_openers():
                return [Opener(name="wrap", methods=("x-wrap",), content_types=("application/x-wrap",), open=unwrap)]
    """
    raise NotImplementedError


@hookspec
def mailsec_protectors() -> Sequence[Protector]:
    """Protectors sign or encrypt an outgoing message.

    Example:
        A protector that refuses what it cannot do, and otherwise leaves the message as it is:

            from mailsec.errors import UsageError
            from mailsec.hooks import Protector, hookimpl


            def protect(message, protection, context):
                if protection.encrypt:
                    raise UsageError("this protector cannot encrypt")
                return bytes(message)


            @hookimpl
            def mailsec_protectors():
                return [Protector(name="plain", protect=protect)]
    """
    raise NotImplementedError


@hookspec
def mailsec_sealers() -> Sequence[Sealer]:
    """Sealers add header fields to a message in transit; the milter and the filter use them.

    Example:
        A sealer that counts the octets of the body:

            from mailsec.hooks import Sealer, hookimpl


            class Counting:
                def __init__(self, header_section, context):
                    self.octets = 0

                def feed(self, octets):
                    self.octets += len(octets)

                async def finish(self):
                    return [b"X-Body-Octets: %d\\r\\n" % self.octets]


            @hookimpl
            def mailsec_sealers():
                return [Sealer(name="count", start=Counting)]
    """
    raise NotImplementedError


@hookspec
def mailsec_stores() -> Sequence[StoreProvider]:
    """Stores hold mail; which one opens an account is decided by the scheme of its URL.

    Example:
        A store over a folder of files:

            from mailsec.hooks import StoreProvider, hookimpl


            @hookimpl
            def mailsec_stores():
                from .folder import FolderStore

                return [StoreProvider(name="folder", schemes=("folder",), open=FolderStore)]
    """
    raise NotImplementedError


@hookspec
def mailsec_submitters() -> Sequence[SubmitterProvider]:
    """Submitters hand a message to a server that sends it.

    Example:
        A submitter for a local transport:

            from mailsec.hooks import SubmitterProvider, hookimpl


            async def submit(url, envelope, octets, context): ...


            @hookimpl
            def mailsec_submitters():
                return [SubmitterProvider(name="local", schemes=("local",), submit=submit)]
    """
    raise NotImplementedError


@hookspec
def mailsec_guards() -> Sequence[Guard]:
    """Guards agree to a connection or refuse it, before any credential leaves.

    Example:
        A guard that wants TLS 1.3:

            from mailsec.hooks import AuthResult, Guard, Judgement, Result, hookimpl


            async def check(connection, context):
                agrees = connection.tls_version == "TLSv1.3"
                return Judgement(agrees, (AuthResult("tls", Result.PASS if agrees else Result.POLICY),))


            @hookimpl
            def mailsec_guards():
                return [Guard(name="tls13", methods=("tls",), phase="tls", check=check)]
    """
    raise NotImplementedError


@hookspec
def mailsec_commands() -> Sequence[Command]:
    """Commands for the command line. This hook is called for `mailsec --help`: keep it light.

    Example:
        `mailsec hello NAME`:

            from mailsec.hooks import Command, hookimpl


            def configure(parser):
                parser.add_argument("name")


            def run(arguments, context):
                print(f"hello {arguments.name}")
                return 0


            @hookimpl
            def mailsec_commands():
                return [Command(name="hello", help="says hello", configure=configure, run=run)]
    """
    raise NotImplementedError


@hookspec
def mailsec_panels() -> Sequence[Panel]:
    """Panels for the client.

    Example:
        A panel that names the verdict's level:

            from mailsec.hooks import Panel, hookimpl


            def build(report):
                from textual.content import Content
                from textual.widgets import Static

                return Static(Content(report.verdict.level))


            @hookimpl
            def mailsec_panels():
                return [Panel(name="level", title="Level", build=build)]
    """
    raise NotImplementedError


@hookspec
def mailsec_settings() -> type[Any]:
    """A frozen dataclass with defaults for the table `[plugins.NAME]` of the configuration.

    The instance made from the table is `context.settings` for everything of this plugin.

    Example:
        A table with one key:

            from dataclasses import dataclass
            from mailsec.hooks import hookimpl


            @dataclass(frozen=True)
            class Settings:
                minimum_bits: int = 1024


            @hookimpl
            def mailsec_settings():
                return Settings
    """
    raise NotImplementedError
