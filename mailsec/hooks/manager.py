"""Finds plugins, calls their hooks, and names those that are broken while everything else goes on.

pluggy registers: it knows the hook specifications and checks each plugin's hooks against them. It does not call:
every implementation is called on its own, once, the first time that its kind is asked for, so that what one
plugin does wrong cannot cost another's answer.

How much is disabled depends on the fault. A plugin that cannot be imported, was written for a newer interface,
has a hook that there is not, a hook with other arguments, or unusable settings is disabled whole. A hook
that raises or returns no sequence is left out alone. A bad descriptor is left out alone.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, Generic, TypeVar

import pluggy

from mailsec.errors import ConfigError, describe
from mailsec.hooks import hookspecs
from mailsec.hooks.descriptors import fault_of
from mailsec.hooks.settings import check_settings_type, did_you_mean, read_table
from mailsec.hooks.types import (
    INTERFACE_VERSION,
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

__all__ = ["PluginInfo", "PluginManager", "Problem", "Registered"]

T = TypeVar("T")
GROUP = "mailsec"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with a plugin.

    Attributes:
        plugin: the plugin's name.
        distribution: the distribution that it comes from; empty where that is not known.
        version: the distribution's version.
        sentence: what is wrong, as a sentence that names the plugin with its distribution and version.
    """

    plugin: str
    distribution: str
    version: str
    sentence: str


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """A plugin that was found.

    Attributes:
        name: the name of its entry point.
        distribution: the distribution that it comes from; empty where that is not known.
        version: the distribution's version.
        enabled: whether its hooks are used.
        hooks: the names of its hooks, sorted; empty where it is not enabled.
    """

    name: str
    distribution: str
    version: str
    enabled: bool
    hooks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Registered(Generic[T]):
    """A descriptor and the plugin that it comes from.

    Attributes:
        descriptor: what the hook returned, checked.
        plugin: the plugin's name.
        distribution: the distribution that it comes from; empty where that is not known.
        version: the distribution's version.
    """

    descriptor: T
    plugin: str
    distribution: str = ""
    version: str = ""

    @property
    def label(self) -> str:
        """The plugin with its distribution and version, for sentences."""
        return _label(self.plugin, self.distribution, self.version)


@dataclass(slots=True)
class _Plugin:
    """A plugin on its way: found, then loaded, then perhaps disabled."""

    name: str
    distribution: str
    version: str
    load: Callable[[], object]
    enabled: bool = True
    settings: type[Any] | None = None
    settings_known: bool = False

    @property
    def label(self) -> str:
        return _label(self.name, self.distribution, self.version)


class PluginManager:
    """The plugins of this program: an object that is made and passed, never a global.

    Nothing is imported and no hook is called before something is asked of it. All it gives is in the order of
    the plugins' names, whatever the order of installation.

    Args:
        disabled: names of plugins to leave out (`--no-plugin`, `[plugins] disabled`); they are not imported.
        entry_points: the entry points to use; by default those of the group `mailsec` that are installed.
        extra: modules or objects that are plugins too, by name, or each under its own `__name__`; for programs
            that bring their own and for tests.
        reserved: names that no command may take, because the program has them.
    """

    def __init__(
        self,
        *,
        disabled: Collection[str] = (),
        entry_points: Iterable[EntryPoint] | None = None,
        extra: Mapping[str, object] | Iterable[object] = (),
        reserved: Collection[str] = (),
    ) -> None:
        self._disabled = frozenset(disabled)
        self._entry_points = entry_points
        self._extra = extra
        self._reserved = frozenset(reserved)
        self._problems: list[Problem] = []
        self._found: dict[str, _Plugin] | None = None
        self._pluggy = pluggy.PluginManager("mailsec")
        self._pluggy.add_hookspecs(hookspecs)
        self._registered: dict[str, tuple[Registered[Any], ...]] = {}
        self._owners: dict[str, Registered[Any]] = {}

    # -- what plugins give ---------------------------------------------------------------------------------

    def verifiers(self) -> tuple[Registered[Verifier], ...]:
        """The verifiers of all plugins."""
        return self._collect("mailsec_verifiers", Verifier)

    def openers(self) -> tuple[Registered[Opener], ...]:
        """The openers of all plugins."""
        self.verifiers()  # they claim their methods first, whatever is asked for first
        return self._collect("mailsec_openers", Opener)

    def guards(self) -> tuple[Registered[Guard], ...]:
        """The guards of all plugins."""
        self.openers()
        return self._collect("mailsec_guards", Guard)

    def protectors(self) -> tuple[Registered[Protector], ...]:
        """The protectors of all plugins."""
        return self._collect("mailsec_protectors", Protector)

    def sealers(self) -> tuple[Registered[Sealer], ...]:
        """The sealers of all plugins."""
        return self._collect("mailsec_sealers", Sealer)

    def stores(self) -> tuple[Registered[StoreProvider], ...]:
        """The stores of all plugins; one provider a URL scheme."""
        return self._collect("mailsec_stores", StoreProvider)

    def submitters(self) -> tuple[Registered[SubmitterProvider], ...]:
        """The submitters of all plugins; one provider a URL scheme."""
        return self._collect("mailsec_submitters", SubmitterProvider)

    def commands(self) -> tuple[Registered[Command], ...]:
        """The commands of all plugins."""
        return self._collect("mailsec_commands", Command)

    def panels(self) -> tuple[Registered[Panel], ...]:
        """The panels of all plugins."""
        return self._collect("mailsec_panels", Panel)

    # -- settings ------------------------------------------------------------------------------------------

    def settings(self, name: str, table: Mapping[str, Any], where: str | None = None, base: Path | None = None) -> Any:
        """Makes a plugin's settings from its table.

        Args:
            name: the plugin's name.
            table: the table `[plugins.NAME]`; empty for the defaults.
            where: the file and the table, for the sentences.
            base: the folder that relative paths start from.

        Returns:
            An instance of the plugin's settings dataclass, or `None` where it has none or is disabled.

        Raises:
            ConfigError: the table is for no known plugin, for one without settings, or does not fit.
        """
        where = where or f"[plugins.{name}]"
        plugins = self._load()
        if name not in plugins:
            raise ConfigError(f"{where}: there is no plugin {name!r}{did_you_mean(name, plugins)}")
        plugin = plugins[name]
        if not plugin.enabled or not self._settings_are_usable(plugin):
            return None
        if plugin.settings is None:
            if table:
                raise ConfigError(
                    f"{where}: the plugin {name} has no settings, so there is no key {next(iter(table))!r}"
                )
            return None
        try:
            return read_table(plugin.settings, table, where, base)
        except ConfigError:
            raise
        except Exception as error:  # the dataclass is the plugin's own code
            raise ConfigError(f"{where}: {describe(error)}") from error

    def all_settings(self, tables: Mapping[str, Mapping[str, Any]], source: str | None = None) -> dict[str, Any]:
        """Makes the settings of every enabled plugin.

        Args:
            tables: the tables by plugin name; a plugin without one gets its defaults.
            source: the configuration file, for the sentences; relative paths start from its folder.

        Raises:
            ConfigError: as for `settings`.
        """
        prefix = f"{source}: " if source else ""
        names = {*self._load(), *tables}
        base = Path(source).parent if source else None
        return {
            name: self.settings(name, tables.get(name, {}), f"{prefix}[plugins.{name}]", base) for name in sorted(names)
        }

    # -- what there is -------------------------------------------------------------------------------------

    @property
    def plugins(self) -> tuple[PluginInfo, ...]:
        """All plugins that were found, disabled ones too, by name. This imports them and calls no hook."""
        return tuple(
            PluginInfo(one.name, one.distribution, one.version, one.enabled, self._hooks(one))
            for one in self._load().values()
        )

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What was found wrong so far; more may come up when hooks of another kind are first called."""
        self._load()
        return tuple(self._problems)

    @property
    def unknown_disabled(self) -> tuple[str, ...]:
        """Names that were to be left out but are no plugin's: most likely misspelt."""
        return tuple(sorted(self._disabled.difference(self._load())))

    def call_all(self) -> None:
        """Calls every hook of every plugin, so that `problems` is complete."""
        for give in (self.guards, self.protectors, self.sealers, self.stores, self.submitters, self.commands):
            give()
        self.panels()

    # -- loading -------------------------------------------------------------------------------------------

    def _load(self) -> dict[str, _Plugin]:
        """Imports and registers every plugin, the first time."""
        if self._found is None:
            self._found = {}
            for plugin in [*self._from_entry_points(), *self._from_extra()]:
                self._add(plugin)
            self._found = dict(sorted(self._found.items()))
        return self._found

    def _add(self, plugin: _Plugin) -> None:
        assert self._found is not None
        if plugin.name in self._found:
            first = self._found[plugin.name]
            self._report(plugin, f"has the name of {first.label}, which was found first")
            return
        self._found[plugin.name] = plugin
        if plugin.name in self._disabled:
            plugin.enabled = False
            return
        try:
            module = plugin.load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - the border: nothing that a plugin raises ends the program
            plugin.enabled = False
            self._report(plugin, f"cannot be imported: {describe(error)}", error)
            return
        fault = self._register(plugin, module)
        if fault:
            plugin.enabled = False
            self._report(plugin, fault)

    def _register(self, plugin: _Plugin, module: object) -> str:
        """Registers a plugin with pluggy; gives what is wrong with it, or nothing."""
        wanted = getattr(module, "mailsec_interface", INTERFACE_VERSION)
        if type(wanted) is not int or not 1 <= wanted <= INTERFACE_VERSION:
            return f"was written for version {wanted!r} of the plugin interface; this is version {INTERFACE_VERSION}"
        try:
            self._pluggy.register(module, plugin.name)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - the border; pluggy looks at the plugin's own attributes
            if self._pluggy.has_plugin(plugin.name):
                self._pluggy.unregister(name=plugin.name)
            problem = str(error).split("\n")
            return f"has a hook that does not fit: {problem[-1] or describe(error)}"
        fault = _shape_fault(module, self._hooks(plugin))
        if fault:
            self._pluggy.unregister(name=plugin.name)
        return fault

    def _from_entry_points(self) -> list[_Plugin]:
        if self._entry_points is None:
            from importlib.metadata import entry_points

            points: Iterable[EntryPoint] = entry_points(group=GROUP)
        else:
            points = self._entry_points
        found = [_Plugin(point.name, *_distribution(point), point.load) for point in points]
        # of two with one name the distribution that is called after it goes first
        return sorted(found, key=lambda one: (one.name, one.distribution != f"mailsec-{one.name}", one.distribution))

    def _from_extra(self) -> list[_Plugin]:
        if isinstance(self._extra, Mapping):
            named = [(str(name), module) for name, module in self._extra.items()]
        else:
            named = [(str(getattr(one, "__name__", type(one).__name__)), one) for one in self._extra]
        return [_Plugin(name, "", "", lambda module=module: module) for name, module in named]  # type: ignore[misc]

    # -- hooks ---------------------------------------------------------------------------------------------

    def _hooks(self, plugin: _Plugin) -> tuple[str, ...]:
        module = self._pluggy.get_plugin(plugin.name)
        callers = self._pluggy.get_hookcallers(module) if module is not None else None
        return tuple(sorted(caller.name for caller in callers or ()))

    def _answer(self, hook: str, plugin: _Plugin) -> tuple[bool, Any]:
        """Calls one hook of one plugin: whether there was an answer, and the answer."""
        module = self._pluggy.get_plugin(plugin.name)
        for implementation in getattr(self._pluggy.hook, hook).get_hookimpls():
            if implementation.plugin is not module:
                continue
            try:
                return True, implementation.function()
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001 - the border: nothing that a hook raises ends the program
                self._report(plugin, f"raised in {hook}: {describe(error)}", error)
        return False, None

    def _collect(self, hook: str, kind: type[T]) -> tuple[Registered[T], ...]:
        """The descriptors of one kind from all plugins."""
        if hook in self._registered:
            return self._registered[hook]
        candidates: list[tuple[_Plugin, T]] = []
        for plugin in self._load().values():
            if plugin.enabled and (hook == "mailsec_commands" or self._settings_are_usable(plugin)):
                candidates += [(plugin, one) for one in self._descriptors(hook, kind, plugin)]
        taken: dict[str, Registered[T]] = {}
        kept: list[Registered[T]] = []
        # A plugin that is called after a method has the first right to it; then the order of names decides.
        for plugin, descriptor in sorted(candidates, key=lambda pair: pair[0].name not in _claims(pair[1])):
            one = Registered(descriptor, plugin.name, plugin.distribution, plugin.version)
            if fault := self._claim(hook, one, taken):
                self._report(plugin, fault)
            else:
                kept.append(one)
        order = {id(descriptor): place for place, (_, descriptor) in enumerate(candidates)}
        kept.sort(key=lambda one: order[id(one.descriptor)])
        self._registered[hook] = tuple(kept)
        return self._registered[hook]

    def _descriptors(self, hook: str, kind: type[T], plugin: _Plugin) -> list[T]:
        """The well-formed descriptors that one plugin's hook gives."""
        answered, answer = self._answer(hook, plugin)
        if not answered:
            return []
        if not isinstance(answer, Sequence) or isinstance(answer, str | bytes):
            if inspect.iscoroutine(answer):
                answer.close()
            self._report(plugin, f"returned {_thing(answer)} from {hook}; it should be a list of {kind.__name__}")
            return []
        good: list[T] = []
        for one in list(answer):
            if type(one) is not kind:
                self._report(
                    plugin, f"returned {_thing(one)} among its answer to {hook}; each should be a {kind.__name__}"
                )
            elif fault := fault_of(one):
                name = _thing(getattr(one, "name", None))
                self._report(plugin, f"has an unusable {kind.__name__} {name}: {fault}")
            else:
                good.append(one)
        return good

    def _claim(self, hook: str, one: Registered[Any], taken: dict[str, Registered[Any]]) -> str:
        """Takes a descriptor's name, methods and schemes; gives what is in the way, or nothing."""
        kind, name = type(one.descriptor).__name__, one.descriptor.name
        if name in taken:
            return f"has a {kind} named {name!r}, a name that {taken[name].label} has taken"
        if hook == "mailsec_commands" and name in self._reserved:
            return f"has a Command named {name!r}, which is a command of mailsec itself"
        for method in _claims(one.descriptor):
            owner = taken.get(f"/{method}") or self._owners.get(method)
            if owner is not None and (owner.plugin != one.plugin or type(owner.descriptor) is type(one.descriptor)):
                return f"has a {kind} {name!r} that claims {method!r}, which belongs to {owner.label}"
        taken[name] = one
        for method in _claims(one.descriptor):
            if hasattr(one.descriptor, "methods"):
                self._owners.setdefault(method, one)
            taken[f"/{method}"] = one
        return ""

    def _settings_are_usable(self, plugin: _Plugin) -> bool:
        """Asks a plugin for its settings, once; where they cannot be used, neither can the plugin."""
        if plugin.settings_known:
            return plugin.enabled
        plugin.settings_known = True
        before = len(self._problems)
        answered, answer = self._answer("mailsec_settings", plugin)
        if answered:
            try:
                check_settings_type(answer)
                plugin.settings = answer
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001 - resolving the field types runs the plugin's code
                if inspect.iscoroutine(answer):
                    answer.close()
                fault = str(error) if type(error) is TypeError else describe(error)
                self._report(plugin, f"returned {_thing(answer)} from mailsec_settings, which {fault}")
        if len(self._problems) > before:
            plugin.enabled = False
        return plugin.enabled

    def _report(self, plugin: _Plugin, fault: str, error: BaseException | None = None) -> None:
        fault = fault.rstrip(".")
        sentence = f"The plugin {plugin.label} {fault}{'' if fault.endswith('?') else '.'}"
        if error is not None:  # where it was raised is for the plugin's author
            import logging

            logging.getLogger(__name__).debug("%s raised", plugin.label, exc_info=error)
        self._problems.append(Problem(plugin.name, plugin.distribution, plugin.version, sentence))


def _claims(descriptor: object) -> tuple[str, ...]:
    """What only one provider may have: methods, or the schemes of a URL."""
    claims: tuple[str, ...] = getattr(descriptor, "methods", ()) or getattr(descriptor, "schemes", ())
    return claims


def _shape_fault(module: object, hooks: Collection[str]) -> str:
    """What is wrong with the hooks that a module defines, or nothing."""
    known = {name for name in vars(hookspecs) if name.startswith("mailsec_")}
    for name in hooks:
        if name not in known:
            return f"has a hook {name}, which there is not{did_you_mean(name, known)}"
    for name, member in list(getattr(module, "__dict__", {}).items()):
        if name.startswith("mailsec_") and name not in hooks and inspect.isfunction(member):
            if name in known:
                return f"has a function {name} that is not marked with hookimpl"
            return f"has a function {name}, and there is no such hook{did_you_mean(name, known)}"
    return ""


def _distribution(point: EntryPoint) -> tuple[str, str]:
    """The name and version of the distribution that an entry point comes from."""
    try:
        return str(point.dist.name), str(point.dist.version)  # type: ignore[union-attr]
    except Exception:  # noqa: BLE001 - metadata on disk may be damaged in any way
        return "", ""


def _label(plugin: str, distribution: str, version: str) -> str:
    return f"{plugin} ({distribution} {version})" if distribution else plugin


def _thing(value: object) -> str:
    """Names a value that should not be where it is, briefly and without trusting its `repr`."""
    if value is None or isinstance(value, str | int | float):
        return repr(value)[:60]
    if isinstance(value, type):
        return f"the class {value.__name__}"
    return f"a value of type {type(value).__name__}"
