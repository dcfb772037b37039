"""What the documentation's site takes from elsewhere in the tree: the README as its first page, plugins, decisions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Names the plugins' pages and the decisions in the navigation."""
    decisions = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("0*.md"))
    nav: list[Any] = config.nav or []
    for section in nav:
        if "For authors" in section:
            section["For authors"] += [{name: f"plugins/{name}.md"} for name in _plugins()]
        if "Decisions" in section:
            section["Decisions"] += [f"decisions/{name}" for name in decisions]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that lie outside of the folder of the documentation."""
    readme = (ROOT / "README.md").read_text()
    files.append(
        File.generated(
            config,
            "index.md",
            content=readme.replace("](docs/", "](").replace("](decisions/)", "](decisions/README.md)"),
        )
    )
    for name in _plugins():
        text = (ROOT / "plugins" / name / "README.md").read_text()
        files.append(File.generated(config, f"plugins/{name}.md", content=text.replace("](../../docs/", "](../")))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Leads links to the plugins' own files to their pages."""
    return re.sub(r"\]\((\.\./)+plugins/(\w+)/README\.md", r"](plugins/\2.md", markdown)


def _plugins() -> list[str]:
    return sorted(path.parent.name for path in (ROOT / "plugins").glob("*/README.md"))
