"""Compile a pipeline: inspect, encode, write, verify, prove."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

from spacy.tokens import Doc

from spacy_lambda.compiler.custom_code import find_code
from spacy_lambda.compiler.encode import CompiledEncoder, ExactEncoder, compile_encoder, make_exact
from spacy_lambda.compiler.inspection import Original, inspect_original, pipeline_requirements
from spacy_lambda.compiler.libraries import LIBRARIES
from spacy_lambda.compiler.library_errors import library_errors
from spacy_lambda.compiler.naming import chosen_name, write_name
from spacy_lambda.compiler.output_folder import open_output
from spacy_lambda.compiler.precision_choice import choose_precision, split_texts
from spacy_lambda.compiler.precisions import (
    AUTO,
    DEFAULT_THRESHOLDS,
    EXACT,
    PRECISIONS,
    PrecisionRequest,
    PrecisionRules,
    Thresholds,
    check_inputs,
)
from spacy_lambda.compiler.proof import prove
from spacy_lambda.compiler.provenance import source_hash
from spacy_lambda.compiler.texts import read_docs
from spacy_lambda.compiler.verification import compare
from spacy_lambda.compiler.write import write_meta, write_pipeline
from spacy_lambda.core.artifact.open import pipeline_folder
from spacy_lambda.core.compiled_meta import CompiledMeta, Precision
from spacy_lambda.core.files import StrPath, file_sizes
from spacy_lambda.core.pipeline_meta import PipelineName, read_meta
from spacy_lambda.core.progress import OnStep, no_progress
from spacy_lambda.errors import CompileError
from spacy_lambda.pipeline.kind import require_original

__all__ = ["compile_pipeline"]

TOOLS = (
    "spacy-lambda",
    "spacy",
    *(library.distribution for library in LIBRARIES),
    "curated-transformers",
    "transformers",
    "tokenizers",
    "torch",
    "onnx",
    "onnxruntime",
)

TESTING = "testing without torch"
"""The step of the proof, as progress names it."""

PROOF_TEXTS = 5
"""Texts of the verification that the proof uses too."""

LONGEST_PROOF_TEXT = 5_000
"""Characters of each text that the proof uses."""


def compile_pipeline(
    pipeline: StrPath,
    out: StrPath,
    *,
    precision: PrecisionRequest = "fp32",
    calibrate: StrPath | None = None,
    texts: StrPath | None = None,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
    verify: StrPath | None = None,
    code: Sequence[StrPath] = (),
    name: str | None = None,
    version: str | None = None,
    force: bool = False,
    on_step: OnStep = no_progress,
    prove: Callable[..., Sequence[str]] = prove,
) -> CompiledMeta:
    """Compile a pipeline into a new folder, which appears whole or not at all.

    Last, the result is loaded and queried in a fresh process that has only what the function will have. A pipeline
    that fails there, or differs from the original, is not written; except at fp32, the models' predictions may differ.

    :param pipeline: A pipeline's folder, an installed pipeline package's name, or a wheel, zip or artifact of one.
    :param out: The compiled pipeline's folder; must not exist, or be empty.
    :param precision: ``fp32`` gives the original's predictions; ``int8-weight-only`` is smaller, ``int8`` also faster
        (:mod:`.precisions`). ``auto`` measures all of them on ``texts``, and gives the fastest that is good enough;
        without texts it is ``fp32``.
    :param calibrate: Texts like those the pipeline will see, for int8 (see :func:`.texts.read_docs`).
    :param texts: For ``auto``: half of them calibrate, the others are measured on.
    :param thresholds: For ``auto``: what a precision has to reach.
    :param verify: Texts to compare both pipelines on; the figures go into ``meta.json``.
    :param code: Python files and packages that register the names in the pipeline's config, and files next to them.
    :param name: Name of the compiled pipeline, with or without its language; by default the original's.
    :param version: Its version; by default the original's.
    :param force: Replace ``out`` when it is a pipeline.
    :param on_step: Receives progress.
    :param prove: Queries the result, and returns its requirements (see :func:`.proof.prove`).
    :returns: The metadata that was written into ``meta.json``.
    :raises PipelineNotFoundError: If there is no such pipeline.
    :raises CompileError: If ``out`` exists, the name or version is invalid, ``calibrate`` is given for a precision
        without calibration, or the pipeline cannot be compiled.
    :raises VerifyError: If there are no texts where they should be, or no precision is good enough on them.
    """
    calibrate, texts, verify = (None if one is None else Path(one) for one in (calibrate, texts, verify))
    code_files = [Path(one) for one in code]
    check_inputs(precision, calibrate=calibrate, texts=texts, verify=verify)
    inputs = [one for one in (calibrate, texts, verify, *code_files) if one is not None]
    with (
        pipeline_folder(pipeline) as path,
        open_output(Path(out), original=path, inputs=inputs, force=force) as target,
    ):
        require_original(path)
        named = chosen_name(read_meta(path / "meta.json"), name=name, version=version)
        on_step("loading", 0, 1)
        original = inspect_original(path, find_code(path, code_files))
        requirements = pipeline_requirements(original)
        on_step("loading", 1, 1)
        source = _Source(original, named, requirements)
        if precision == AUTO and texts is not None and original.transformers:
            comparison = read_docs(texts, original.nlp)
            meta = _choose(source, target.folder, comparison, texts, thresholds, on_step)
        else:
            rules = EXACT if precision == AUTO else PRECISIONS[precision]
            calibration = [doc.text for doc in read_docs(calibrate, original.nlp)] if calibrate is not None else []
            comparison = read_docs(verify, original.nlp) if verify is not None else []
            exact = _exact(original, keep_graphs=not rules.exact, on_step=on_step)
            meta = _write(source, target.folder, rules, exact, calibration, on_step)
            if comparison:
                report = compare(original.nlp, target.folder, comparison, on_step=on_step)
                meta = replace(meta, verification=report.summary())
        meta = _prove(prove, original, target.folder, meta, requirements, comparison, on_step)
        target.move_into_place()
    return meta


@dataclass(frozen=True)
class _Source:
    """An original, and what its compiled pipelines get whatever their precision."""

    original: Original
    named: PipelineName
    requirements: Sequence[str]


def _exact(original: Original, *, keep_graphs: bool, on_step: OnStep) -> dict[str, ExactEncoder]:
    found = {}
    for part in original.transformers:
        with library_errors(original.nlp, f"component {part.name!r}"):
            found[part.name] = make_exact(part, keep_graph=keep_graphs, on_step=on_step)
    return found


def _write(
    source: _Source,
    folder: Path,
    rules: PrecisionRules,
    exact: Mapping[str, ExactEncoder],
    texts: Sequence[str],
    on_step: OnStep,
) -> CompiledMeta:
    """Write the compiled pipeline at one precision."""
    original, encoders = source.original, {}
    for part in original.transformers:
        with library_errors(original.nlp, f"component {part.name!r}"):
            encoders[part.name] = compile_encoder(part, exact[part.name], rules, texts=texts, on_step=on_step)
    meta = _make_meta(original, encoders, rules.name, n_texts=len(texts))
    write_pipeline(original, encoders, folder)
    write_name(folder, source.named)
    write_meta(folder, meta, source.requirements)
    return meta


def _choose(
    source: _Source, folder: Path, docs: Sequence[Doc], path: Path, thresholds: Thresholds, on_step: OnStep
) -> CompiledMeta:
    """Compile at every precision, from the fastest to the most exact, and move the chosen pipeline to the folder."""
    calibration, measured = split_texts(docs, path)
    texts = [doc.text for doc in calibration]
    exact = _exact(source.original, keep_graphs=True, on_step=on_step)
    metas: dict[Precision, CompiledMeta] = {}
    refused: dict[Precision, str] = {}
    for rules in reversed(list(PRECISIONS.values())):
        at = folder.with_name(rules.name)
        try:
            metas[rules.name] = _write(
                source, at, rules, exact, texts if rules.calibrated else [], _named(on_step, rules)
            )
        except CompileError as exc:
            refused[rules.name] = exc.message
    choice = choose_precision(
        source.original.nlp,
        {name: folder.with_name(name) for name in metas},
        refused,
        measured,
        thresholds,
        original_bytes=sum(file_sizes(source.original.path).values()),
        calibration_texts=len(texts),
        on_step=on_step,
    )
    folder.with_name(choice.precision).rename(folder)
    return replace(metas[choice.precision], verification=choice.report.summary(), choice=choice.to_dict())


def _named(on_step: OnStep, rules: PrecisionRules) -> OnStep:
    """Return progress whose steps name the precision."""
    return lambda step, done, total: on_step(f"{rules.name}: {step}", done, total)


def _prove(
    prove: Callable[..., Sequence[str]],
    original: Original,
    folder: Path,
    meta: CompiledMeta,
    requirements: Sequence[str],
    docs: Sequence[Doc],
    on_step: OnStep,
) -> CompiledMeta:
    """Prove the written pipeline, and record its speed."""
    speeds: list[dict[str, Any] | None] = []
    on_step(TESTING, 0, 1)
    known = prove(
        original,
        folder,
        requirements,
        rules=PRECISIONS[meta.precision],
        texts=[doc.text[:LONGEST_PROOF_TEXT] for doc in docs[:PROOF_TEXTS]],
        on_round=lambda found: write_meta(folder, meta, found),
        on_speed=speeds.append,
    )
    meta = replace(meta, speed=speeds[-1] if speeds else None)
    write_meta(folder, meta, known)
    on_step(TESTING, 1, 1)
    return meta


def _make_meta(
    original: Original, encoders: dict[str, CompiledEncoder], precision: Precision, *, n_texts: int
) -> CompiledMeta:
    meta = original.nlp.meta
    return CompiledMeta(
        source_name=f"{meta['lang']}_{meta['name']}",
        source_version=meta["version"],
        source_sha256=source_hash(original.path),
        precision=precision,
        encoders={
            part.name: {
                "architecture": part.architecture,
                "method": encoders[part.name].method,
                **part.settings(),
                "width": encoders[part.name].width,
                "bytes": sum(map(len, encoders[part.name].model)),
                "largest_difference": encoders[part.name].largest_difference,
                "relative_error": encoders[part.name].relative_error,
                "checked_length": encoders[part.name].checked_length,
                "calibration_texts": n_texts if PRECISIONS[precision].calibrated else None,
            }
            for part in original.transformers
        },
        tools=_tool_versions(),
        code=original.code.names,
    )


def _tool_versions() -> dict[str, str]:
    versions = {}
    for tool in TOOLS:
        try:
            versions[tool] = installed_version(tool)
        except PackageNotFoundError:
            continue
    return versions
