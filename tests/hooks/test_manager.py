"""Plugins that are broken are named and left out; all others go on, in a steady order."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mailsec.errors import ConfigError
from mailsec.hooks import hookimpl
from mailsec.hooks.manager import PluginManager

HEAD = "from mailsec.hooks import *\n"
GOOD = """
@hookimpl
def mailsec_verifiers():
    return [Verifier(name="{0}", methods=("{0}",), verify=lambda m, c: [])]
"""


class _Installed(Distribution):
    """A distribution that is installed nowhere."""

    def __init__(self, name: str, version: str) -> None:
        self._text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"

    def read_text(self, filename: str) -> str | None:
        return self._text if filename == "METADATA" else None

    def locate_file(self, path: Any) -> Any:
        return path


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., EntryPoint]]:
    """Writes a plugin's module and gives its entry point."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def make(name: str, source: str = "", distribution: str | None = None, module: str | None = None) -> EntryPoint:
        module = module or f"zoo_{len(list(tmp_path.iterdir()))}_{name}"
        if not (tmp_path / f"{module}.py").exists():
            (tmp_path / f"{module}.py").write_text(HEAD + textwrap.dedent(source))
        point = EntryPoint(name, module, "mailsec")
        vars(point).update(dist=_Installed(distribution or f"mailsec-{name}", "2.1"))
        return point

    yield make
    for name in set(sys.modules) - before:
        if name.startswith("zoo_"):
            del sys.modules[name]


def verifier(arguments: str) -> str:
    return f"@hookimpl\ndef mailsec_verifiers():\n    return [Verifier({arguments})]\n"


def returns(expression: str, hook: str = "mailsec_verifiers") -> str:
    return f"@hookimpl\ndef {hook}():\n    return {expression}\n"


def settings(field: str, mark: str = "@dataclass(frozen=True)") -> str:
    source = f"from dataclasses import dataclass\n{mark}\nclass S:\n    {field}\n"
    return source + returns("S", "mailsec_settings")


# name, source of a plugin called bad, words of the sentence, whether the whole plugin is disabled
ZOO: list[tuple[str, str, str, bool]] = [
    ("raises at import", "raise ValueError('broken')", "cannot be imported: ValueError: broken", True),
    ("misses a module", "import no_such_module", "cannot be imported: ModuleNotFoundError", True),
    ("exits at import", "raise SystemExit(3)", "cannot be imported: SystemExit: 3", True),
    ("is no Python", "def", "cannot be imported: SyntaxError", True),
    (
        "a hook that there is not",
        "@hookimpl\ndef mailsec_verifyers():\n    return []",
        "did you mean 'mailsec_verifiers'?",
        True,
    ),
    ("a function like a hook", "def mailsec_sealer():\n    return []", "did you mean 'mailsec_sealers'?", True),
    ("a hook without its mark", "def mailsec_verifiers():\n    return []", "is not marked with hookimpl", True),
    ("wrong arguments", "@hookimpl\ndef mailsec_verifiers(message):\n    return []", "message", True),
    ("for a newer interface", "mailsec_interface = 2", "written for version 2", True),
    ("for an odd interface", "mailsec_interface = 'one'", "written for version 'one'", True),
    (
        "raises in a hook",
        "@hookimpl\ndef mailsec_verifiers():\n    1 / 0",
        "raised in mailsec_verifiers: ZeroDivisionError",
        False,
    ),
    (
        "exits in a hook",
        "@hookimpl\ndef mailsec_verifiers():\n    raise SystemExit",
        "raised in mailsec_verifiers: SystemExit",
        False,
    ),
    ("wants an argument after all", "@hookimpl\ndef mailsec_verifiers(*, x):\n    pass", "TypeError", False),
    ("returns nothing", returns("None"), "returned None from mailsec_verifiers", False),
    ("returns text", returns("'pass'"), "returned 'pass' from mailsec_verifiers", False),
    (
        "returns one",
        returns("Verifier(name='v', methods=('v',), verify=print)"),
        "type Verifier from mailsec_verifiers",
        False,
    ),
    (
        "is asynchronous",
        "@hookimpl\nasync def mailsec_verifiers():\n    return []",
        "coroutine from mailsec_verifiers",
        False,
    ),
    ("returns no descriptors", returns("[3]"), "returned 3 among its answer", False),
    ("returns others' descriptors", returns("[Panel(name='p', title='', build=print)]"), "type Panel among", False),
    ("both forms", verifier("name='v', methods=('v',), verify=print, start=print"), "both verify and start", False),
    ("neither form", verifier("name='v', methods=('v',)"), "neither verify nor start", False),
    ("methods a list", verifier("name='v', methods=['v'], verify=print"), "methods should be a tuple of texts", False),
    ("methods a text", verifier("name='v', methods='v', verify=print"), "methods should be a tuple of texts", False),
    ("no methods", verifier("name='v', methods=(), verify=print"), "methods is empty", False),
    ("a method twice", verifier("name='v', methods=('v', 'v'), verify=print"), "names one twice", False),
    ("a method that is no name", verifier("name='v', methods=('V v',), verify=print"), "is no method name", False),
    ("a name that is none", verifier("name='', methods=('v',), verify=print"), "name should be a short text", False),
    ("a name of control codes", verifier("name='\\x1b', methods=('v',), verify=print"), "name should be", False),
    ("not callable", verifier("name='v', methods=('v',), verify=3"), "verify cannot be called", False),
    ("no time", verifier("name='v', methods=('v',), verify=print, timeout=0"), "timeout should be", False),
    (
        "time that is no number",
        verifier("name='v', methods=('v',), verify=print, timeout='1'"),
        "timeout should be",
        False,
    ),
    (
        "after a text",
        verifier("name='v', methods=('v',), verify=print, after='dkim'"),
        "after should be a tuple",
        False,
    ),
    (
        "another's name",
        verifier("name='good', methods=('v',), verify=print"),
        "a name that good (mailsec-good 2.1) has",
        False,
    ),
    (
        "another's method",
        verifier("name='v', methods=('good',), verify=print"),
        "belongs to good (mailsec-good 2.1)",
        False,
    ),
    (
        "an opener in capitals",
        returns("[Opener(name='o', methods=('o',), content_types=('A/B',), open=print)]", "mailsec_openers"),
        "lower case",
        False,
    ),
    (
        "an opener of another's method",
        returns("[Opener(name='o', methods=('good',), content_types=('a/b',), open=print)]", "mailsec_openers"),
        "belongs to good",
        False,
    ),
    (
        "a guard of another phase",
        returns("[Guard(name='g', methods=('g',), phase='ip', check=print)]", "mailsec_guards"),
        "phase should be",
        False,
    ),
    (
        "a command of ours",
        returns("[Command(name='check', help='', configure=print, run=print)]", "mailsec_commands"),
        "a command of mailsec itself",
        False,
    ),
    ("settings that are none", returns("3", "mailsec_settings"), "which is no dataclass", True),
    ("settings without defaults", settings("x: int"), "x without a default", True),
    ("settings that can change", settings("x: int = 1", "@dataclass"), "not frozen", True),
    ("settings of an odd type", settings("x: complex = 1j"), "which a table cannot give", True),
    ("settings of an unknown type", settings("x: 'Nothing' = 1"), "NameError", True),
]


@pytest.mark.parametrize(("source", "words", "whole"), [one[1:] for one in ZOO], ids=[one[0] for one in ZOO])
def test_a_broken_plugin_is_named_and_the_others_go_on(
    source: str, words: str, whole: bool, install: Callable[..., EntryPoint]
) -> None:
    manager = PluginManager(
        entry_points=[install("bad", source), install("good", GOOD.format("good"))], reserved=("check",)
    )
    manager.call_all()

    assert [one.plugin for one in manager.verifiers()] == ["good"]
    assert len(manager.problems) == 1
    problem = manager.problems[0]
    assert (problem.plugin, problem.distribution, problem.version) == ("bad", "mailsec-bad", "2.1")
    assert problem.sentence.startswith("The plugin bad (mailsec-bad 2.1) ")
    assert words in problem.sentence
    assert problem.sentence.endswith("?" if "did you mean" in words else ".")
    assert "\n" not in problem.sentence
    assert {one.name: one.enabled for one in manager.plugins} == {"bad": not whole, "good": True}


def test_a_bad_descriptor_costs_the_plugin_nothing_else(install: Callable[..., EntryPoint]) -> None:
    source = """
        @hookimpl
        def mailsec_verifiers():
            return [
                Verifier(name="a", methods=("a",), verify=print),
                Verifier(name="b", methods=()  , verify=print),
                Verifier(name="c", methods=("c",), verify=print),
            ]
    """
    manager = PluginManager(entry_points=[install("p", source)])
    assert [one.descriptor.name for one in manager.verifiers()] == ["a", "c"]
    assert "Verifier 'b'" in manager.problems[0].sentence


def test_of_two_plugins_with_one_name_the_second_is_named_and_left_out(install: Callable[..., EntryPoint]) -> None:
    first = install("twin", GOOD.format("one"), "mailsec-twin")
    second = install("twin", GOOD.format("two"), "a-twin")
    for order in ([first, second], [second, first]):
        manager = PluginManager(entry_points=order)
        assert [one.distribution for one in manager.verifiers()] == ["mailsec-twin"]
        assert manager.problems[0].distribution == "a-twin"
        assert "has the name of twin (mailsec-twin 2.1)" in manager.problems[0].sentence


def test_one_module_under_two_names_is_one_plugin(install: Callable[..., EntryPoint]) -> None:
    manager = PluginManager(
        entry_points=[install("a", GOOD.format("a"), module="zoo_same"), install("b", module="zoo_same")]
    )
    assert [one.plugin for one in manager.verifiers()] == ["a"]
    assert [one.plugin for one in manager.problems] == ["b"]


def test_a_plugin_called_after_a_method_has_the_first_right_to_it(install: Callable[..., EntryPoint]) -> None:
    """Whatever names sort before it."""
    manager = PluginManager(
        entry_points=[
            install("aaa", verifier("name='x', methods=('dkim',), verify=print")),
            install("dkim", GOOD.format("dkim")),
        ]
    )
    assert [one.plugin for one in manager.verifiers()] == ["dkim"]
    assert [one.plugin for one in manager.problems] == ["aaa"]


def test_verifiers_claim_their_methods_before_openers_whatever_is_asked_first(
    install: Callable[..., EntryPoint],
) -> None:
    opener = returns("[Opener(name='o', methods=('m',), content_types=('a/b',), open=print)]", "mailsec_openers")
    points = [install("a", opener), install("b", verifier("name='v', methods=('m',), verify=print"))]
    for first in ("openers", "verifiers"):
        manager = PluginManager(entry_points=points)
        getattr(manager, first)()
        assert [one.plugin for one in manager.verifiers()] == ["b"]
        assert manager.openers() == ()


def test_the_order_is_that_of_names(install: Callable[..., EntryPoint]) -> None:
    points = [install(name, GOOD.format(name)) for name in ("c", "a", "b")]
    for order in (points, points[::-1]):
        assert [one.plugin for one in PluginManager(entry_points=order).verifiers()] == ["a", "b", "c"]


def test_hooks_are_called_when_their_kind_is_asked_for_and_once(
    install: Callable[..., EntryPoint], capsys: Any
) -> None:
    source = """
        print("imported")
        @hookimpl
        def mailsec_verifiers():
            print("verifiers")
            return []
        @hookimpl
        def mailsec_sealers():
            print("sealers")
            return []
    """
    manager = PluginManager(entry_points=[install("p", source)])
    assert capsys.readouterr().out == ""
    assert manager.plugins[0].hooks == ("mailsec_sealers", "mailsec_verifiers")
    assert capsys.readouterr().out == "imported\n"
    manager.verifiers()
    manager.openers()
    manager.verifiers()
    assert capsys.readouterr().out == "verifiers\n"


def test_what_is_left_out_is_not_even_imported(install: Callable[..., EntryPoint]) -> None:
    manager = PluginManager(disabled=["bad", "god"], entry_points=[install("bad", "raise SystemExit"), install("good")])
    manager.call_all()
    assert manager.problems == ()
    assert [(one.name, one.enabled) for one in manager.plugins] == [("bad", False), ("good", True)]
    assert manager.unknown_disabled == ("god",)


@pytest.mark.parametrize(
    "source", ["raise KeyboardInterrupt", "@hookimpl\ndef mailsec_verifiers():\n    raise KeyboardInterrupt"]
)
def test_keyboard_interrupt_passes_through(source: str, install: Callable[..., EntryPoint]) -> None:
    with pytest.raises(KeyboardInterrupt):
        PluginManager(entry_points=[install("p", source)]).call_all()


def test_plugins_can_be_given_as_objects() -> None:
    module = ModuleType("mine")
    exec(HEAD + GOOD.format("mine"), module.__dict__)
    for extra in ([module], {"mine": module}):
        manager = PluginManager(entry_points=[], extra=extra)
        assert [(one.plugin, one.label) for one in manager.verifiers()] == [("mine", "mine")]


def test_two_managers_know_nothing_of_each_other(install: Callable[..., EntryPoint]) -> None:
    point = install("p", GOOD.format("p"))
    one, other = PluginManager(entry_points=[point]), PluginManager(entry_points=[], disabled=["p"])
    assert len(one.verifiers()) == 1
    assert other.verifiers() == ()


# -- settings ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Settings:
    bits: int = 1024
    ratio: float = 0.5
    strict: bool = False
    name: str = ""
    domains: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.bits < 512:
            raise ValueError("bits should be at least 512")


@pytest.fixture
def manager() -> PluginManager:
    @hookimpl
    def mailsec_settings() -> type[Settings]:
        return Settings

    module = ModuleType("tuned")
    vars(module).update(mailsec_settings=mailsec_settings)
    return PluginManager(entry_points=[], extra={"tuned": module, "plain": ModuleType("plain")})


def test_settings_are_made_from_a_table_or_from_the_defaults(manager: PluginManager) -> None:
    table = {"bits": 2048, "ratio": 1, "strict": True, "domains": ["a.example"]}
    assert manager.settings("tuned", table) == Settings(2048, 1.0, True, "", ("a.example",))
    assert manager.all_settings({}) == {"plain": None, "tuned": Settings()}


@pytest.mark.parametrize(
    ("name", "table", "words"),
    [
        ("tuned", {"bit": 3}, "[plugins.tuned]: there is no key 'bit'; did you mean 'bits'?"),
        ("tuned", {"bits": "many"}, "[plugins.tuned]: bits should be a whole number, not 'many'"),
        ("tuned", {"bits": True}, "bits should be a whole number, not true or false"),
        ("tuned", {"bits": 1.5}, "bits should be a whole number, not a number"),
        ("tuned", {"domains": "a.example"}, "domains should be a list, each text, not 'a.example'"),
        ("tuned", {"domains": [1]}, "domains should be text, not a whole number"),
        ("tuned", {"bits": 1}, "[plugins.tuned]: bits should be at least 512"),
        ("tune", {"bits": 1}, "[plugins.tune]: there is no plugin 'tune'; did you mean 'tuned'?"),
        ("plain", {"x": 1}, "[plugins.plain]: the plugin plain has no settings, so there is no key 'x'"),
    ],
)
def test_settings_that_do_not_fit(name: str, table: dict[str, Any], words: str, manager: PluginManager) -> None:
    with pytest.raises(ConfigError) as caught:
        manager.all_settings({name: table}, "/etc/mailsec.toml")
    assert words in str(caught.value)
    assert str(caught.value).startswith("/etc/mailsec.toml: ")


def test_a_plugin_that_is_left_out_may_keep_its_table(install: Callable[..., EntryPoint]) -> None:
    manager = PluginManager(disabled=["p"], entry_points=[install("p")])
    assert manager.settings("p", {"anything": 1}) is None


def test_where_a_plugin_raises_is_logged(install: Callable[..., EntryPoint], caplog: pytest.LogCaptureFixture) -> None:
    raising = "@hookimpl\ndef mailsec_verifiers():\n    1 / 0"
    with caplog.at_level("DEBUG", "mailsec"):
        PluginManager(entry_points=[install("early", "1 / 0"), install("late", raising)]).call_all()
    assert [record.getMessage() for record in caplog.records] == [
        "early (mailsec-early 2.1) raised",
        "late (mailsec-late 2.1) raised",
    ]
    assert all(record.exc_info is not None and record.exc_info[0] is ZeroDivisionError for record in caplog.records)
