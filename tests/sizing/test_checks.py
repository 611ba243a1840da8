"""All checks of a pipeline or a bundle before a deployment, and the command that prints them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spacy_lambda.client.invocation import FunctionError, Invocation
from spacy_lambda.errors import BundleError
from spacy_lambda.local.served_pipeline import is_bundle
from spacy_lambda.sizing import CheckOptions, Figures, Verdict, check, checks
from spacy_lambda.sizing.checks import check_files
from spacy_lambda.sizing.measurement import TooLittleMemory
from spacy_lambda.sizing.texts import Texts
from tests.cli.in_process import run_main
from tests.sizing.checked import FakeFunction, figures, statuses


def test_a_file_that_is_no_bundle(tmp_path: Path) -> None:
    path = tmp_path / "some.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", "b")
    with pytest.raises(BundleError, match="is not a bundle"):
        check_files(path, CheckOptions())


@pytest.mark.parametrize("damage", ["encrypted", "method", "data", "directory"])
def test_a_zip_that_cannot_be_read(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "some.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bundle.json", 100 * "{}")
    data = bytearray(path.read_bytes())
    local, central = data.index(b"PK\3\4"), data.index(b"PK\1\2")
    if damage == "encrypted":
        data[local + 6] |= 1
        data[central + 8] |= 1
    elif damage == "method":
        data[local + 8] = data[central + 10] = 99
    elif damage == "data":
        data[local + 30 + len("bundle.json")] ^= 0xFF
    else:
        data[central] = 0
    path.write_bytes(data)
    with pytest.raises(BundleError, match="cannot be read") as caught:
        check_files(path, CheckOptions())
    assert caught.value.remedy
    assert is_bundle(path) == (damage != "directory")


TIMED_OUT = FunctionError(
    error_type="Sandbox.Timedout",
    message="RequestId: 1 Error: Task timed out after 2.00 seconds",
    log_tail="INIT_REPORT Init Duration: 2000.00 ms\tPhase: invoke\tStatus: timeout\n",
)
KILLED = FunctionError(error_type="Runtime.ExitError", message="Runtime exited with error: signal: killed")
RAISED = FunctionError(error_type="ValueError", message="no\nsuch value")


class Failing(FakeFunction):
    """A function that fails with every request."""

    def __init__(self, error: FunctionError) -> None:
        super().__init__(9000)
        self.error = error

    def invoke(self, event: Any) -> Invocation:
        answer = {"errorType": self.error.error_type, "errorMessage": self.error.message}
        return Invocation(
            answer=answer, error=self.error, status=200, executed_version="1", request_id="1", log_tail=""
        )


@pytest.mark.parametrize(
    ("error", "cpu_part", "status", "detail", "remedy"),
    [
        (TIMED_OUT, None, "fails", "Sandbox.Timedout: its timeout of 2 s ended before its init did", "memory"),
        (TIMED_OUT, 0.1, "warning", "did; not certain: this machine gave it 10% of a CPU", "when the machine is idle"),
        (KILLED, 0.1, "fails", "Runtime.ExitError: it was killed: its memory does not suffice", "raise `memory`"),
        (RAISED, None, "fails", "ValueError: no", "read its log"),
    ],
)
def test_a_failed_first_request_is_reported_as_what_it_is(
    error: FunctionError,
    cpu_part: float | None,
    status: str,
    detail: str,
    remedy: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checks, "measure", lambda *arguments, **options: replace(figures(), cpu_part=cpu_part))
    monkeypatch.setattr(checks, "serve_function", lambda *arguments, **options: nullcontext(Failing(error)))
    *_, first, payload = check(tmp_path, CheckOptions(memory_mb=512)).findings
    assert (first.name, first.status) == ("first request", status)
    assert detail in first.detail
    assert remedy in first.remedy
    assert (payload.name, payload.status) == ("payload", "skipped")
    assert payload.detail == "not tried, because the first request fails"


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Runs that take no process; the memory of each."""
    runs = list[int]()

    @contextmanager
    def serve(pipeline: object, *, memory: int, timeout: float) -> Iterator[FakeFunction]:
        runs.append(memory)
        yield FakeFunction(9000)

    def measure(pipeline: object, texts: Texts, *, memory_mb: int, on_step: object) -> Figures:
        runs.append(memory_mb)
        return figures()

    def killed(*arguments: object, **options: object) -> Figures:
        raise TooLittleMemory("killed", remedy="raise memory")

    monkeypatch.setattr(checks, "serve_function", serve)
    monkeypatch.setattr(checks, "measure_calls", killed)
    monkeypatch.setattr(checks, "measure", measure)
    return runs


def test_a_pipeline_is_measured_with_one_cpu_and_run_with_its_own_memory(served: list[int], tmp_path: Path) -> None:
    found = check(tmp_path, CheckOptions(memory_mb=512))
    assert served == [1769, 512]
    assert statuses([*found.findings]) == {
        "settings": "ok",
        **dict.fromkeys(["unzipped size", "zipped size", "target", "architecture", "glibc"], "skipped"),
        "init": "ok",
        "memory": "ok",
        "duration": "ok",
        "payload": "ok",
    }


def test_refused_settings_are_not_run(served: list[int], tmp_path: Path) -> None:
    found = check(tmp_path, CheckOptions(memory_mb=20_000))
    assert (served, [one.name for one in found.failed]) == ([], ["settings"])


def test_a_text_is_not_tried_with_settings_that_fail(served: list[int], tmp_path: Path) -> None:
    found = check(tmp_path, CheckOptions(memory_mb=256))
    assert served == [1769, 256]
    assert [one.name for one in found.failed] == ["memory"]
    assert found.findings[-1].status == "skipped"


def test_a_function_that_runs_with_less_than_its_peak_gets_a_warning(
    served: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "measure_calls", lambda *arguments, **options: figures())
    found = check(tmp_path, CheckOptions(memory_mb=256))
    (memory,) = (one for one in found.findings if one.name == "memory")
    assert (memory.status, served) == ("warning", [1769, 256, 256])
    assert memory.detail == "peak 300 MB of 256 MB; it runs all the same, as pages of mapped files can be dropped"


def test_the_command_exits_with_1_if_something_fails(served: list[int], tmp_path: Path) -> None:
    done = run_main("check", str(tmp_path), "--memory", "256")
    assert done.returncode == 1
    assert "fails\tmemory\tpeak 300 MB of 256 MB: Lambda kills it\traise memory to 384 MB\n" in done.stdout
    assert done.stderr == "error: this would fail on Lambda: memory\nremedy: raise memory to 384 MB\n"


def test_the_command_exits_with_0_and_warnings(served: list[int], tmp_path: Path) -> None:
    done = run_main("check", str(tmp_path), "--memory", "4000", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["ok"]
    assert {one["name"] for one in found["findings"] if one["status"] == "warning"} == {"memory quota"}
    assert (
        "nothing fails on Lambda, with 1 warning; 5 not checked"
        in run_main("check", str(tmp_path), "--memory", "4000").stdout
    )


def test_limits_that_were_not_checked_for_one_reason_are_one_row(served: list[int], tmp_path: Path) -> None:
    printed = run_main("check", str(tmp_path), "--memory", "512").stdout.splitlines()
    names = "unzipped size, zipped size, target, architecture, glibc"
    remedy = f"spacy-lambda bundle {tmp_path}, and check the bundle"
    assert [line for line in printed if line.startswith("skipped")] == [
        f"skipped\t{names}\tnot checked without a bundle\t{remedy}"
    ]
    assert sum(line.startswith("ok\t") for line in printed) == 5
    assert printed[-1].endswith("5 not checked")


def test_a_verdict_without_findings_fails_nothing() -> None:
    assert (Verdict(()).failed, Verdict(()).warnings) == ((), ())
