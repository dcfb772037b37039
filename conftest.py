"""What holds for every test: a skip is a failure in continuous integration, and figures are shown at the end."""

import os
from collections.abc import Callable, Generator
from typing import Protocol

import hypothesis
import pytest

IN_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}

if not IN_CI:  # where Hypothesis does so by itself: no test fails since the machine is busy
    hypothesis.settings.register_profile("mailsec", deadline=None)
    hypothesis.settings.load_profile("mailsec")

_figures: list[str] = []


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which counts as a failure here: {report.longrepr}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _fail_if_skipped(report)
    # Reports travel from the processes that run tests to the one that prints; so figures travel in them.
    report.user_properties += [("figure", sentence) for sentence in _figures]
    _figures.clear()
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _fail_if_skipped(report)
    return report


@pytest.fixture(scope="session")
def figure() -> Callable[[str], None]:
    """Shows a sentence after the run: a peer's name and version, how many cases were tried and how they ended."""
    return _figures.append


_CELL = "cell\t"


class Cell(Protocol):
    """Counts one cell of the matrix of functions, algorithms and peers."""

    def __call__(self, function: str, algorithm: str, peer: str, direction: str, form: str = "") -> None:
        """Counts a case that came out right.

        Args:
            function: such as `"EnvelopedData"`.
            algorithm: the algorithms, as the standards name them.
            peer: the other side, with its version.
            direction: who did what.
            form: what tells the case from others in the same row.
        """
        ...


@pytest.fixture(scope="session")
def cell(figure: Callable[[str], None]) -> Cell:
    """Counts a cell of the matrix, which is shown as a table after the run."""

    def count(function: str, algorithm: str, peer: str, direction: str, form: str = "") -> None:
        figure(f"{_CELL}{function}\t{algorithm}\t{peer}\t{direction}\t{form}")

    return count


def _table(cells: set[str]) -> Generator[str, None, None]:
    """The lines of the matrix: each row with how many of its cases came out right, and what they were."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for sentence in sorted(cells):
        *row, form = sentence.removeprefix(_CELL).split("\t")
        rows.setdefault(tuple(row), []).append(form)
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    before: tuple[str, ...] = ("",) * 4
    for row, forms in rows.items():
        shown = ["" if row[: at + 1] == before[: at + 1] else text for at, text in enumerate(row)]
        words = " | ".join(text.ljust(width) for text, width in zip(shown, widths, strict=True))
        kinds = dict.fromkeys(form.partition(", ")[0] for form in forms)
        yield f"{words} | {len(forms):3} of {len(forms):<3} | {', '.join(filter(None, kinds))}"
        before = row
    yield f"{len(cells)} cells in {len(rows)} rows, and all of them right: a wrong one fails its test"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    sentences = {
        str(value)
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, value in getattr(report, "user_properties", [])
        if name == "figure"
    }
    cells = {sentence for sentence in sentences if sentence.startswith(_CELL)}
    sentences -= cells
    if cells:
        terminalreporter.section("functions, algorithms and peers")
        for line in _table(cells):
            terminalreporter.write_line(line)
    if sentences:
        terminalreporter.section("figures")
        for sentence in sorted(sentences):
            terminalreporter.write_line(sentence)
