"""The watchdog borrows the interval timer of the process and gives it back."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import asyncio, re, signal, sys, time
from mailsec.hooks import Verifier
from mailsec.hooks.manager import Registered
from mailsec.message import parse
from mailsec.pipeline import Runner, Services
from mailsec.testing import make_resolver

def make(act):
    async def verify(message, context):
        act()
    one = Verifier(name="v", methods=("m",), verify=verify)
    return Runner([Registered(one, "v")], services=Services(make_resolver("")), timeout=0.1)

MESSAGE = parse(b"From: a@example.org\\r\\n\\r\\n")

def check(act):
    return asyncio.run(make(act).check(MESSAGE)).results[0]
"""


def run(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT + script], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


@pytest.mark.parametrize(
    "act",
    [
        "lambda: time.sleep(1e6)",
        "lambda: [None for _ in iter(int, 1)]",
        "lambda: re.match(r'(a+)+$', 'a' * 64 + 'b')",
    ],
    ids=["sleeps", "loops", "a regular expression that backtracks"],
)
def test_code_that_blocks_is_interrupted(act: str) -> None:
    assert run(f"print(check({act}).cause)") == "late"


def test_a_timer_that_was_set_before_keeps_its_time_and_its_handler() -> None:
    script = """
rung = []
signal.signal(signal.SIGALRM, lambda *_: rung.append(time.monotonic()))
start = time.monotonic()
signal.setitimer(signal.ITIMER_REAL, 1.0)
check(lambda: time.sleep(1e6))
assert not rung
while not rung and time.monotonic() < start + 20:
    time.sleep(0.01)
print(len(rung), rung[0] - start >= 1.0, signal.getsignal(signal.SIGALRM).__name__)
"""
    assert run(script) == "1 True <lambda>"


def test_the_timer_is_given_back_when_nothing_is_checked() -> None:
    script = """
check(lambda: None)
end = time.monotonic() + 20
while signal.getitimer(signal.ITIMER_REAL)[0] and time.monotonic() < end:
    time.sleep(0.01)
print(signal.getitimer(signal.ITIMER_REAL)[0], signal.getsignal(signal.SIGALRM) == signal.SIG_DFL)
"""
    assert run(script) == "0.0 True"


def test_a_program_that_ends_at_once_is_not_killed_by_the_timer() -> None:
    assert run("print(check(lambda: None).result)") == "temperror"


def test_in_another_thread_blocking_code_is_not_interrupted_but_all_else_works() -> None:
    script = """
import threading
thread = threading.Thread(target=lambda: print(check(lambda: time.sleep(0.3)).reason))
thread.start()
thread.join()
"""
    assert "answered with NoneType" in run(script)


def test_after_a_fork_the_child_watches_for_itself() -> None:
    script = """
import os
check(lambda: None)
child = os.fork()
if child == 0:
    os._exit(7 if check(lambda: time.sleep(1e6)).cause == "late" else 8)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert run(script) == "7"
