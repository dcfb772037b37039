"""What holds for every test: a skip is a failure in continuous integration, and figures are shown at the end."""

import os
from collections.abc import Callable, Generator

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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    sentences = {
        str(value)
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, value in getattr(report, "user_properties", [])
        if name == "figure"
    }
    if sentences:
        terminalreporter.section("figures")
        for sentence in sorted(sentences):
            terminalreporter.write_line(sentence)
