"""Checks before a deployment: figures, settings and files against Lambda's limits."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_lambda.bundler.elf import cut_unloaded
from spacy_lambda.bundler.elf_versions import machine_of, newest_glibc, required_versions
from spacy_lambda.bundler.metadata import BundleMetadata
from spacy_lambda.bundler.target import MACHINES, Target
from spacy_lambda.client.invocation import FunctionError, Invocation
from spacy_lambda.core.lambda_limits import RESPONSE_BYTES
from spacy_lambda.errors import BundleError, SizingError
from spacy_lambda.local.served_pipeline import is_bundle
from spacy_lambda.sizing import CheckOptions, Figures, LimitFinding, Verdict, check, checks
from spacy_lambda.sizing.bundle_checks import BundleFiles, check_bundle
from spacy_lambda.sizing.checks import check_files
from spacy_lambda.sizing.figure_checks import check_duration, check_figures, check_init, check_memory
from spacy_lambda.sizing.measurement import TooLittleMemory
from spacy_lambda.sizing.payload import Growth, check_payload, largest_text, text_of
from spacy_lambda.sizing.refused_settings import check_settings
from spacy_lambda.sizing.texts import BUILT_IN_TEXTS, Texts
from tests.cli.in_process import run_main

SMALLEST_FIRST = sorted(Path(np.__file__).parent.rglob("*.so"), key=lambda path: path.stat().st_size)
LIBRARIES = [path for path in SMALLEST_FIRST[:10] if b"GLIBC_2." in path.read_bytes()]
LIBRARY = LIBRARIES[0].read_bytes()
HERE = machine_of(LIBRARY)
ARCH = next(arch for arch, machine in MACHINES.items() if machine == HERE)


HANDLER_FILE = "spacy_lambda/runtime/handler.py"


def figures(*, init_s: float = 2.0, ms: float = 100.0, peak_mb: int | None = 300) -> Figures:
    return Figures(init_s=init_s, ms=ms, peak_mb=peak_mb, cpus=1.0, source="1 text")


def statuses(found: list[LimitFinding]) -> dict[str, str]:
    return {one.name: one.status for one in found}


@pytest.mark.parametrize(
    ("init_s", "memory", "snapstart", "status"),
    [
        (2.0, 1769, False, "ok"),
        (2.0, 512, False, "ok"),
        (2.5, 512, False, "warning"),
        (8.0, 1769, False, "warning"),
        (12.0, 1769, False, "warning"),
        (12.0, 256, False, "fails"),
        (12.0, 1769, True, "ok"),
        (200.0, 1769, True, "fails"),
    ],
)
def test_inits(init_s: float, memory: int, snapstart: bool, status: str) -> None:
    found = check_init(figures(init_s=init_s), CheckOptions(memory_mb=memory, snapstart=snapstart))
    assert found.status == status
    assert bool(found.remedy) == (status != "ok")


def test_an_init_that_runs_again_has_to_fit_into_the_timeout() -> None:
    slow = figures(init_s=12.0, ms=100.0)
    assert check_init(slow, CheckOptions(memory_mb=1769, timeout_s=12)).status == "fails"
    found = check_init(slow, CheckOptions(memory_mb=1769, timeout_s=13))
    assert "it runs again in the first invocation, which then takes 12.1 s" in found.detail


def test_durations_that_other_programs_made_longer_are_not_certain() -> None:
    starved = replace(figures(init_s=48.6, ms=40_000.0), cpu_part=0.04)
    found = {one.name: one for one in check_figures(starved, CheckOptions(memory_mb=1769))}
    assert [found[name].status for name in ("init", "duration")] == ["warning", "warning"]
    assert found["init"].detail.endswith("; not certain: this machine gave it 4% of a CPU")
    assert found["init"].remedy == "run again when the machine is idle"
    sure = check_figures(replace(starved, cpu_part=0.9), CheckOptions(memory_mb=1769))
    assert sure[0].status == "fails"


@pytest.mark.parametrize(("peak", "memory", "status"), [(300, 512, "ok"), (450, 512, "warning"), (600, 512, "fails")])
def test_memory(peak: int, memory: int, status: str) -> None:
    (found,) = check_memory(figures(peak_mb=peak), CheckOptions(memory_mb=memory))
    assert found.status == status
    assert found.remedy == {"ok": "", "warning": "raise memory to 576 MB", "fails": "raise memory to 768 MB"}[status]


def test_new_accounts_have_less_memory() -> None:
    assert statuses(check_memory(figures(), CheckOptions(memory_mb=3008))) == {"memory": "ok"}
    found = check_memory(figures(peak_mb=None), CheckOptions(memory_mb=3009))
    assert statuses(found) == {"memory quota": "warning"}


@pytest.mark.parametrize(("ms", "status"), [(14_000, "ok"), (16_000, "warning"), (31_000, "fails")])
def test_durations(ms: float, status: str) -> None:
    assert check_duration(figures(ms=ms), CheckOptions(memory_mb=1769)).status == status


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"memory_mb": 64}, "memory of 64 MB"),
        ({"memory_mb": 10_241}, "memory of 10,241 MB"),
        ({"timeout_s": 901}, "a timeout of 901 s"),
        ({"timeout_s": 0}, "a timeout of 0 s"),
        ({"ephemeral_mb": 100}, "/tmp of 100 MB"),
        ({"architecture": "riscv"}, "unknown architecture 'riscv'"),
        ({"python": "3.11"}, "no runtime for Python 3.11"),
        ({"snapstart": True, "efs": True}, "SnapStart with a file system"),
        ({"snapstart": True, "ephemeral_mb": 513}, "SnapStart with /tmp over 512 MB"),
        ({"snapstart": True, "provisioned": True}, "SnapStart with provisioned concurrency"),
    ],
)
def test_settings_that_lambda_refuses(changes: dict[str, Any], part: str) -> None:
    (found,) = check_settings(CheckOptions(**changes))
    assert (found.status, part in found.detail) == ("fails", True)
    assert found.remedy


def test_settings_that_lambda_takes() -> None:
    (found,) = check_settings(CheckOptions(snapstart=True, architecture="arm64", python="3.13"))
    assert (found.status, found.detail) == ("ok", "2,048 MB, timeout 30 s, arm64, Python 3.13, SnapStart")


def files(contents: Mapping[str, bytes], *, zipped: int | None = 1000, more: int = 0) -> BundleFiles:
    name = {"lang": "en", "name": "ner", "version": "1.0.0"}
    metadata = BundleMetadata(Target("3.13", ARCH), "pipeline", 64 * "a", name)
    sizes = {name: len(content) for name, content in contents.items()} | {"weights": more, HANDLER_FILE: 1}
    return BundleFiles(metadata, zipped, sizes, lambda name: contents[name])


def test_a_bundle_within_the_limits() -> None:
    found = check_bundle(files({"numpy/core.so": LIBRARY, "notes.so": b"text"}), CheckOptions())
    assert {*statuses(found).values()} == {"ok"}
    (glibc,) = (one for one in found if one.name == "glibc")
    assert glibc.detail.endswith("is needed; Amazon Linux 2023 has 2.34")


def test_a_bundle_that_is_too_large() -> None:
    found = check_bundle(files({}, more=263_000_000, zipped=90_000_000), CheckOptions())
    assert statuses(found)["unzipped size"] == "fails"
    assert "through S3" in next(one.detail for one in found if one.name == "zipped size")
    assert statuses(check_bundle(files({}, more=255_000_000), CheckOptions()))["unzipped size"] == "warning"
    image = statuses(check_bundle(files({}, more=263_000_000, zipped=None), CheckOptions()))
    assert (image["unzipped size"], "zipped size" in image) == ("ok", False)


@pytest.mark.parametrize(("megabytes", "status"), [(249.9, "warning"), (250.1, "fails")])
def test_the_size_at_the_limit_is_in_its_units(megabytes: float, status: str) -> None:
    found = check_bundle(files({}, more=int(megabytes * 2**20)), CheckOptions())[0]
    assert (found.status, found.detail.partition(" that")[0]) == (
        status,
        f"{megabytes * 1.048576:.1f} MB of the 262.1 MB",
    )


def test_a_zip_without_the_handler() -> None:
    one = files({})
    without = replace(one, sizes={"weights": 0})
    (found,) = (one for one in check_bundle(without, CheckOptions()) if one.name == "handler")
    assert (found.status, found.detail) == ("fails", f"the zip has no {HANDLER_FILE}, which Lambda imports")
    for fine in (one, replace(one, sizes={f"{HANDLER_FILE}c": 0}), replace(without, zipped=None)):
        assert "handler" not in statuses(check_bundle(fine, CheckOptions()))


def test_extension_modules_for_another_python() -> None:
    found = check_bundle(files({"a.cpython-312-x86_64-linux-gnu.so": LIBRARY, "b.abi3.so": LIBRARY}), CheckOptions())
    (libraries,) = (one for one in found if one.name == "architecture")
    assert libraries.detail == f"not for {HERE} and Python 3.13: a.cpython-312-x86_64-linux-gnu.so (Python 3.12)"


def test_a_bundle_for_another_target() -> None:
    other = "arm64" if ARCH == "x86_64" else "x86_64"
    (target,) = (one for one in check_bundle(files({}), CheckOptions(architecture=other)) if one.name == "target")
    command = f"spacy-lambda bundle en_ner --python 3.13 --architecture {other}"
    assert (target.status, target.remedy) == ("fails", command)


@pytest.mark.parametrize(
    ("changes", "argument"),
    [
        ({"location": "s3://models/ner@1.0.0"}, "s3://models/ner@1.0.0"),
        ({"pipeline": {}}, "PIPELINE"),
    ],
)
def test_the_argument_of_bundle(changes: dict[str, Any], argument: str) -> None:
    one = files({})
    found = check_bundle(replace(one, metadata=replace(one.metadata, **changes)), CheckOptions(python="3.14"))
    (target,) = (finding for finding in found if finding.name == "target")
    assert target.remedy == f"spacy-lambda bundle {argument} --python 3.14 --architecture {ARCH}"


def test_libraries_are_checked_for_the_target_of_the_function() -> None:
    other = "arm64" if ARCH == "x86_64" else "x86_64"
    one = files({"a.so": LIBRARY, "b.cpython-313-x86_64-linux-gnu.so": LIBRARY})
    found = {finding.name: finding for finding in check_bundle(one, CheckOptions(architecture=other))}
    assert (found["target"].status, found["architecture"].status) == ("fails", "fails")
    assert found["architecture"].detail == (
        f"not for {MACHINES[other]} and Python 3.13: a.so ({HERE}), b.cpython-313-x86_64-linux-gnu.so ({HERE})"
    )
    newer = {finding.name: finding for finding in check_bundle(one, CheckOptions(python="3.14"))}
    assert newer["architecture"].detail.endswith(": b.cpython-313-x86_64-linux-gnu.so (Python 3.13)")


def test_libraries_for_another_machine_and_damaged_ones() -> None:
    other = bytearray(LIBRARY)
    other[18] = 183 if HERE == "x86_64" else 62
    found = check_bundle(files({"a.so": bytes(other), "b.so.1": LIBRARY[:3000]}), CheckOptions())
    (libraries,) = (one for one in found if one.name == "architecture")
    assert libraries.status == "fails"
    assert "a.so (" in libraries.detail
    assert "damaged: b.so.1 (it is cut short)" in libraries.detail


def test_libraries_that_need_a_newer_glibc() -> None:
    newest = max((name for name in required_versions(LIBRARY) if name.startswith("GLIBC_2")), key=len)
    newer = LIBRARY.replace(newest.encode(), b"GLIBC_2.99"[: len(newest)].ljust(len(newest), b"9"))
    found = check_bundle(files({"a.so": newer}), CheckOptions())
    (glibc,) = (one for one in found if one.name == "glibc")
    assert (glibc.status, "newer is needed by a.so (2.9" in glibc.detail) == ("fails", True)


@pytest.mark.parametrize("path", LIBRARIES[:3], ids=lambda path: path.name)
def test_versions_are_read_from_the_segments(path: Path) -> None:
    library = path.read_bytes()
    versions = required_versions(library)
    assert (2, 0) < newest_glibc(versions) <= (2, 34)
    assert required_versions(cut_unloaded(library)) == versions


@settings(max_examples=50)
@given(st.integers(4, len(LIBRARY) - 1), st.binary(min_size=1, max_size=8), st.integers(64, len(LIBRARY)))
def test_damaged_libraries_end_with_an_error_at_most(place: int, damage: bytes, length: int) -> None:
    damaged = (LIBRARY[:place] + damage + LIBRARY[place + len(damage) :])[:length]
    with suppress(BundleError):
        required_versions(damaged)


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


class FakeFunction:
    """A function with a limit of its own, whose responses have ten bytes for each character."""

    def __init__(self, own: int, *, breaks_at: int = 10**9) -> None:
        self.own, self.breaks_at, self.sent = own, breaks_at, list[int]()

    def invoke(self, event: Any) -> Invocation:
        error = None
        if "rawPath" in event:
            answer: Any = {"statusCode": 200, "body": json.dumps({"limits": {"characters_per_text": self.own}})}
        else:
            length = len(event["text"])
            self.sent.append(length)
            answer = 10 * length * "x"
            if length > self.breaks_at:
                error = FunctionError(error_type="Sandbox.Timedout", message="Task timed out after 30.00 seconds")
        return Invocation(answer=answer, error=error, status=200, executed_version="1", request_id="1", log_tail="")


def test_the_largest_text_is_computed_and_sent() -> None:
    function = FakeFunction(9000)
    found = check_payload(function.invoke, BUILT_IN_TEXTS)
    assert (found.status, function.sent) == ("ok", [500, 4000, 9000])
    assert found.detail.startswith("a text of 9,000 characters is answered in")
    assert found.detail.endswith("the function's own limit is 9,000 characters for a text")


def test_the_response_may_be_what_limits_a_text() -> None:
    function = FakeFunction(5_000_000)
    found = check_payload(function.invoke, BUILT_IN_TEXTS)
    assert function.sent[-1] == pytest.approx(RESPONSE_BYTES / 10, rel=1e-3)
    assert found.detail.endswith(f"a response has at most {RESPONSE_BYTES:,} bytes")


def test_a_smaller_text_is_sent_if_the_largest_one_fails() -> None:
    function = FakeFunction(10_000, breaks_at=7000)
    found = check_payload(function.invoke, BUILT_IN_TEXTS)
    assert (found.status, function.sent[2:]) == ("warning", [10_000, 8000, 6400])
    assert "one of 10,000 fails: Task timed out" in found.detail
    assert check_payload(FakeFunction(10_000, breaks_at=4000).invoke, BUILT_IN_TEXTS).status == "fails"
    with pytest.raises(SizingError, match="a text of 500 characters fails"):
        check_payload(FakeFunction(10_000, breaks_at=100).invoke, BUILT_IN_TEXTS)


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


@given(st.floats(0, 1000), st.floats(0, 1000), st.integers(1, 10**7))
def test_the_largest_text_is_within_every_limit(request: float, response: float, own: int) -> None:
    size, _ = largest_text(Growth(20, request), Growth(2, response), own)
    assert 0 <= size <= own
    assert 2 + size * response <= RESPONSE_BYTES + 1


@given(st.lists(st.text(min_size=1, max_size=30), min_size=1), st.integers(1, 500))
def test_a_text_of_any_length(parts: list[str], length: int) -> None:
    assert len(text_of(Texts("", tuple(parts)), length)) == length


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
