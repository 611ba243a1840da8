"""Signals that ask a command to end: cleaned up as after Ctrl-C, with the exit code of the signal."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from spacy_lambda.cli.boundary import guarded
from spacy_lambda.cli.end_signals import end_signals, interrupted_by_signals


@pytest.fixture(autouse=True)
def _default_actions() -> Iterator[None]:
    """Set the actions that a terminal's commands begin with: SIGHUP is ignored in what ``nohup`` starts."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, action in before.items():
        signal.signal(number, action)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_command_with_its_exit_code(number: signal.Signals) -> None:
    cleaned = []

    def command() -> None:
        try:
            signal.raise_signal(number)
            time.sleep(10)
        finally:
            cleaned.append(True)

    assert guarded(command) == 128 + number
    assert cleaned
    assert signal.getsignal(number) is signal.SIG_DFL


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interrupted_by_signals():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_server_under_nohup_goes_on() -> None:
    assert end_signals() == (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    assert end_signals() == (signal.SIGINT, signal.SIGTERM)
