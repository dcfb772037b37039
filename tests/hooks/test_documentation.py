"""Every hook is documented with its arguments, and every example in its docstring really runs."""

from __future__ import annotations

import inspect
import sys
import textwrap
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mailsec.hooks import hookspecs
from mailsec.hooks.manager import PluginManager
from mailsec.pipeline.verdict import RULES

DOCS = Path(__file__).resolve().parents[2] / "docs"
HOOKS = [one for name, one in sorted(vars(hookspecs).items()) if name.startswith("mailsec_")]


def example(hook: Any) -> str:
    """The code of the example in a hook's docstring."""
    _, _, text = (inspect.getdoc(hook) or "").partition("Example:\n")
    return textwrap.dedent(text.split("\n\n", 1)[1]).rstrip()


@pytest.mark.parametrize("hook", HOOKS, ids=lambda one: one.__name__)
def test_every_hook_is_documented_with_its_arguments(hook: Any) -> None:
    page = (DOCS / "plugins.md").read_text()
    heading = f"### `{hook.__name__}({', '.join(inspect.signature(hook).parameters)})`"
    assert heading in page
    assert f"```python\n{example(hook)}\n```" in page


@pytest.mark.parametrize("hook", HOOKS, ids=lambda one: one.__name__)
def test_every_example_runs(hook: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    package, folder = ModuleType("worked_example"), ModuleType("worked_example.folder")
    vars(folder)["FolderStore"] = lambda url, context: None  # the example's own module
    package.__path__ = []
    monkeypatch.setitem(sys.modules, "worked_example", package)
    monkeypatch.setitem(sys.modules, "worked_example.folder", folder)
    package.__package__ = "worked_example"
    exec(compile(example(hook), hook.__name__, "exec", dont_inherit=True), vars(package))

    manager = PluginManager(entry_points=[], extra={"example": package})
    manager.call_all()
    assert manager.problems == ()
    assert manager.plugins[0].hooks == (hook.__name__,)
    if hook.__name__ == "mailsec_settings":
        assert manager.settings("example", {"minimum_bits": 2048}).minimum_bits == 2048
    else:
        assert len(getattr(manager, hook.__name__.removeprefix("mailsec_"))()) == 1


async def test_the_examples_that_handle_mail_do_what_they_say() -> None:
    from mailsec.hooks import Protection
    from mailsec.message import parse
    from mailsec.pipeline import Runner, Services, seal
    from mailsec.testing import make_context, make_resolver

    extra = {}
    for hook in HOOKS:
        if hook.__name__ in {"mailsec_verifiers", "mailsec_openers", "mailsec_sealers", "mailsec_protectors"}:
            extra[hook.__name__] = ModuleType(hook.__name__)
            exec(compile(example(hook), hook.__name__, "exec", dont_inherit=True), vars(extra[hook.__name__]))
    manager = PluginManager(entry_points=[], extra=extra)
    services = Services(make_resolver(""))
    inner = b"Content-Type: text/plain\r\n\r\nhello\r\n"
    message = parse(b"From: a@example.org\r\nList-Id: <x.example>\r\nContent-Type: application/x-wrap\r\n\r\n" + inner)

    report = await Runner(manager.verifiers(), manager.openers(), services=services).check(message)
    assert [(one.method, str(one.result)) for one in report.results] == [("x-list", "pass"), ("x-wrap", "none")]
    assert bytes(report.layers[1].message or b"") == inner
    sealed = await seal(message.header, message.body, manager.sealers(), services)
    assert sealed.fields == (b"X-Body-Octets: %d\r\n" % len(inner),)
    protect = manager.protectors()[0].descriptor.protect
    assert protect(message, Protection(sign=True), make_context()) == bytes(message)
    assert (report.problems, sealed.problems, manager.problems) == ((), (), ())


def test_the_table_of_verdicts_is_that_of_the_code() -> None:
    rows = [line.split(" | ") for line in (DOCS / "verdicts.md").read_text().splitlines() if line[2:3].isdigit()]
    documented = [(int(row[0].strip("| ")), row[3]) for row in rows]
    assert documented == [(number, str(level)) for number, level, _ in RULES]


def test_what_a_plugin_is_handed_and_returns_is_documented_whole() -> None:
    from mailsec import testing
    from mailsec.hooks import AuthResult, OpenerContext, ProtectorContext

    page = (DOCS / "plugins.md").read_text()
    _, _, handed = page.partition("## What a plugin is handed")
    handed, _, returned = handed.partition("## What a result says")
    kinds = (*OpenerContext.__mro__[:-1], ProtectorContext)
    context = {name for kind in kinds for name in vars(kind) if not name.startswith("_")}
    for name in context:
        assert f"`{name}`" in handed or f"`{name}()`" in handed
    for name in AuthResult.__dataclass_fields__:
        assert f"| `{name}` |" in returned.partition("## Rules")[0]
    for name in set(testing.__all__) - {"TestContext", "make_resolver"}:
        assert f"`{name}" in page


def test_every_cause_is_in_the_reference() -> None:
    from mailsec.hooks import Cause

    page = (DOCS / "reference.md").read_text()
    assert [one for one in Cause if f"`{one}`" not in page] == []
