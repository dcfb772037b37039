"""What import-linter cannot say: who may use which name of whom, and what may not lie in the tree."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CORE = sorted((ROOT / "mailsec").rglob("*.py"))
PLUGINS = sorted(path for path in ROOT.glob("plugins/*/src/**/*.py"))
ENTRY_MODULES = sorted(ROOT.glob("plugins/*/src/mailsec_*/__init__.py"))
IGNORED = re.compile(r"(^|/)(\.venv|\.git|\.hypothesis|\.[a-z_]+_cache)/")
TEXTS = sorted(
    path
    for pattern in ("*.py", "*.md", "*.toml", "*.txt", "*.in", "Makefile", "scripts/*", ".ci/run")
    for path in ROOT.rglob(pattern)
    if not any(
        part in {".venv", ".git", ".hypothesis"} or part.endswith("_cache") for part in path.relative_to(ROOT).parts
    )
)


def imported(path: Path) -> list[tuple[int, str, str]]:
    """Every name that a module imports: its line, the module it is from, the name (empty for a whole module)."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found += [(node.lineno, node.module or "", alias.name) for alias in node.names]
    return found


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", PLUGINS, ids=name)
def test_a_plugin_uses_only_what_is_public(path: Path) -> None:
    private = [
        f"line {line}: {module} {imported_name}"
        for line, module, imported_name in imported(path)
        if module.split(".")[0] == "mailsec"
        and any(part.startswith("_") for part in [*module.split("."), imported_name])
    ]
    assert not private


@pytest.mark.parametrize("path", PLUGINS, ids=name)
def test_a_plugin_takes_cryptography_from_the_backend(path: Path) -> None:
    assert not [module for _, module, _ in imported(path) if module.split(".")[0] == "cryptography"]


@pytest.mark.parametrize("path", ENTRY_MODULES, ids=name)
def test_an_entry_module_imports_nothing_heavy(path: Path) -> None:
    top = [
        node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert set(top) <= {"__future__", "dataclasses", "typing", "collections.abc", "mailsec.hooks"}


@pytest.mark.parametrize("module", [path.parent.name for path in ENTRY_MODULES])
def test_importing_a_plugin_loads_nothing_heavy(module: str) -> None:
    heavy = "{'asyncio', 'dns', 'textual', 'ssl', 'cryptography', 'email'}"
    script = f"import sys, {module}; print(sorted({heavy} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_no_private_key_lies_in_the_tree() -> None:
    key = re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s+[A-Za-z0-9+/=\s]{40,}")
    assert not [name(path) for path in TEXTS if key.search(path.read_text(errors="replace"))]


def test_no_path_of_a_machine_stands_in_a_text() -> None:
    path_of_a_machine = re.compile(r"(?<![A-Za-z0-9_./-])/(?:work|home|root)/")
    found = [
        f"{name(path)}: {line.strip()}"
        for path in TEXTS
        if path != Path(__file__).resolve()
        for line in path.read_text(errors="replace").splitlines()
        if path_of_a_machine.search(line)
    ]
    assert not found


@pytest.mark.parametrize("path", CORE, ids=name)
def test_every_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", [*CORE, *PLUGINS], ids=name)
def test_no_group_is_repeated_possessively(path: Path) -> None:
    """Python before 3.11.5 goes on at the wrong place after such a group; an atomic group around it is right."""
    strings = [
        node.value if isinstance(node.value, str) else node.value.decode("latin-1")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
    ]
    possessive = re.compile(r"(?<!\\)\)(?:[*+?]|\{[0-9,]+\})\+")
    assert not [string for string in strings if possessive.search(string) and "[" in string]
