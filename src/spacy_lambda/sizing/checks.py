"""``check``: what would fail on Lambda, of a pipeline or a bundle and the settings of its function."""

from __future__ import annotations

from pathlib import Path

from spacy_lambda.core.compiled_meta import COMPILE_SMALLER
from spacy_lambda.core.files import StrPath, file_sizes, megabytes
from spacy_lambda.core.lambda_limits import MB_PER_VCPU, UNZIPPED_BYTES
from spacy_lambda.core.pipelines import resolve_pipeline
from spacy_lambda.core.progress import OnStep, no_progress
from spacy_lambda.errors import InvokeError, SizingError
from spacy_lambda.local.served_pipeline import is_bundle, serve_function
from spacy_lambda.sizing.bundle_checks import check_bundle, open_files
from spacy_lambda.sizing.check_options import CheckOptions
from spacy_lambda.sizing.figure_checks import MEMORY, check_figures, with_uncertainty
from spacy_lambda.sizing.measurement import TIMEOUT_S, measure, measure_calls
from spacy_lambda.sizing.payload import FirstRequestFailed, check_payload
from spacy_lambda.sizing.refused_settings import check_settings
from spacy_lambda.sizing.texts import BUILT_IN_TEXTS, Texts, read_texts
from spacy_lambda.sizing.verdict import LimitFinding, Verdict, fails, skipped, warning

__all__ = ["CheckOptions", "check", "check_files"]

DEFAULTS = CheckOptions()
OF_FILES = ("unzipped size", "zipped size", "target", "architecture", "glibc")
OF_RUNS = ("init", "memory", "duration", "payload")


def check(
    pipeline: StrPath,
    options: CheckOptions = DEFAULTS,
    *,
    texts: StrPath | None = None,
    on_step: OnStep = no_progress,
) -> Verdict:
    """Check a function before it is deployed: its files, its settings, and by running it in the local Lambda.

    :param pipeline: A compiled pipeline or a bundle.
    :param options: The function's settings, for those that are not the defaults.
    :param texts: Texts like those of the callers; by default a built-in sample.
    :param on_step: Called with each step's name, the number of steps done, and their total.
    :raises SpacyLambdaError: If there is no such pipeline, or it cannot be run for another reason than its limits.
    """
    pipeline, sample = str(pipeline), BUILT_IN_TEXTS if texts is None else read_texts(Path(texts))
    found = check_settings(options)
    if any(one.status == "fails" for one in found):
        return Verdict((*found, *skipped((*OF_FILES, *OF_RUNS), "not checked with settings that Lambda refuses")))
    on_step("reading files", 0, 0)
    path = Path(pipeline)
    if not is_bundle(path):
        return Verdict((*found, *_pipeline_size_findings(pipeline), *_run(pipeline, options, sample, on_step)))
    found += check_files(path, options)
    return Verdict((*found, *_run_bundle(path, options, sample, on_step)))


def check_files(bundle: Path, options: CheckOptions) -> list[LimitFinding]:
    """Check the files of a bundle: a zip, or an image's folder.

    :raises BundleError: If it is not a bundle.
    """
    with open_files(bundle) as files:
        return check_bundle(files, options)


def _pipeline_size_findings(pipeline: str | Path) -> list[LimitFinding]:
    """Check the size of a pipeline that is not bundled."""
    remedy = f"spacy-lambda bundle {pipeline}, and check the bundle"
    resolved = resolve_pipeline(pipeline)
    found = skipped(OF_FILES, "not checked without a bundle", remedy)
    if resolved.form == "folder":
        size = sum(file_sizes(Path(resolved.location.path)).values())
        if size > UNZIPPED_BYTES:
            larger = f"the pipeline alone has {megabytes(size)}; a zip has at most {megabytes(UNZIPPED_BYTES)}"
            found[0] = fails(OF_FILES[0], larger, f"{COMPILE_SMALLER}, or bundle with --shape image")
    return found


def _run_bundle(path: Path, options: CheckOptions, texts: Texts, on_step: OnStep) -> list[LimitFinding]:
    from spacy_lambda.local.bundle import runs_here

    if path.is_file() and not runs_here(path):
        elsewhere = "this machine does not have the bundle's architecture or its Python"
        return skipped(OF_RUNS, elsewhere, "check it on such a machine, or check the pipeline")
    return _run(path, options, texts, on_step)


def _run(pipeline: str | Path, options: CheckOptions, texts: Texts, on_step: OnStep) -> list[LimitFinding]:
    """Measure the function with at least one CPU, and then run it with the memory and the timeout that it will have."""
    figures = measure(pipeline, texts, memory_mb=max(options.memory_mb, MB_PER_VCPU), on_step=on_step)
    found = [_tried(one, pipeline, options, texts) for one in check_figures(figures, options)]
    if any(one.status == "fails" for one in found):
        return [*found, *skipped(["payload"], "not tried with settings that fail")]
    on_step("trying the largest text", 0, 0)
    try:
        with serve_function(pipeline, memory=options.memory_mb, timeout=options.timeout_s) as function:
            return [*found, check_payload(function.invoke, texts)]
    except FirstRequestFailed as exc:
        failed = fails("first request", exc.message.partition("\n")[0], exc.remedy)
        found.append(with_uncertainty(failed, figures) if exc.timed_out else failed)
        return [*found, *skipped(["payload"], "not tried, because the first request fails")]
    except (SizingError, InvokeError) as exc:
        return [*found, fails("payload", exc.message.partition("\n")[0], exc.remedy)]


def _tried(found: LimitFinding, pipeline: str | Path, options: CheckOptions, texts: Texts) -> LimitFinding:
    """Run a function whose peak is over its memory: pages of mapped files are in the peak, and can be dropped."""
    if (found.name, found.status) != (MEMORY, "fails"):
        return found
    try:
        with serve_function(pipeline, memory=options.memory_mb, timeout=TIMEOUT_S) as function:
            measure_calls(function.invoke, Texts(texts.source, texts.texts[:1]), cpus=1.0)
    except SizingError:
        return found
    detail = found.detail.partition(":")[0]
    return warning(MEMORY, f"{detail}; it runs all the same, as pages of mapped files can be dropped", found.remedy)
