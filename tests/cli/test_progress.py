"""The bar of consecutive stages: the name, the count and the time of the current one."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest

from spacy_lambda.cli import progress


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_only_the_current_stage_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Screen())
    with progress.stages(quiet=False) as on_step:
        (bars,) = progress._drawn
        for step, done, total, shown in (
            ("bundle (wheels)", 1, 6, ("1/6", 6)),
            ("change set", 0, 0, ("", None)),
            ("update", 3, 12, ("3/12", 12)),
            ("update", 4, 12, ("4/12", 12)),
            ("upload", 0, 1, ("", 1)),
        ):
            on_step(step, done, total)
            (task,) = bars.tasks
            assert (task.description, task.completed) == (step, done)
            assert (task.fields["count"], task.total) == shown
        with progress.paused():
            on_step("shift traffic", 2, 2)
        assert [task.description for task in bars.tasks] == []  # finished


def test_a_quiet_command_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    with progress.stages(quiet=True) as on_step:
        on_step("update", 1, 2)
    assert screen.getvalue() == ""


def test_a_finished_stage_does_not_stay_on_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Screen())
    with progress.stages(quiet=False) as on_step:
        (bars,) = progress._drawn
        on_step("compare", 1, 1)
        assert bars.live.transient
    with progress.progress(quiet=False):
        (bars,) = progress._drawn
        assert not bars.live.transient


def test_a_rate_that_is_unknown_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    with progress.byte_progress(quiet=False) as on_step:
        on_step("packing", 1000, 1000)
    assert "packing" in screen.getvalue()
    assert "?" not in screen.getvalue().replace("\x1b[?", "")


@pytest.mark.parametrize("draw", [progress.progress, progress.stages])
def test_what_code_prints_meanwhile_is_not_among_the_results(capsys: pytest.CaptureFixture[str], draw: Any) -> None:
    with draw(quiet=True):
        print("from a component")
    print("{}")
    assert capsys.readouterr() == ("{}\n", "from a component\n")
