"""The way of a message through the plugins: runner, contexts, report, verdict, Authentication-Results."""

from mailsec.pipeline.context import NO_KEYS, Services
from mailsec.pipeline.protected import FieldState, FromMismatch, ShownField, ShownHeader
from mailsec.pipeline.report import Layer, Report, Run
from mailsec.pipeline.runner import Runner, Session
from mailsec.pipeline.seal import Sealed, seal
from mailsec.pipeline.verdict import Level, Policy, Verdict, judge

__all__ = [
    "NO_KEYS",
    "FieldState",
    "FromMismatch",
    "Layer",
    "Level",
    "Policy",
    "Report",
    "Run",
    "Runner",
    "Sealed",
    "Services",
    "Session",
    "ShownField",
    "ShownHeader",
    "Verdict",
    "judge",
    "seal",
]
