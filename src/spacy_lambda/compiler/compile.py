"""Compile a pipeline: inspect, encode, write, verify, prove."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

from spacy.tokens import Doc

from spacy_lambda.compiler.custom_code import find_code
from spacy_lambda.compiler.encode import CompiledEncoder, compile_encoder
from spacy_lambda.compiler.inspection import Original, inspect_original, pipeline_requirements
from spacy_lambda.compiler.libraries import LIBRARIES
from spacy_lambda.compiler.library_errors import library_errors
from spacy_lambda.compiler.naming import chosen_name, write_name
from spacy_lambda.compiler.output_folder import open_output
from spacy_lambda.compiler.precisions import PRECISIONS, require_calibrated
from spacy_lambda.compiler.proof import prove
from spacy_lambda.compiler.provenance import source_hash
from spacy_lambda.compiler.texts import read_docs
from spacy_lambda.compiler.verification import compare
from spacy_lambda.compiler.write import write_meta, write_pipeline
from spacy_lambda.core.artifact.open import pipeline_folder
from spacy_lambda.core.compiled_meta import CompiledMeta, Precision
from spacy_lambda.core.pipeline_meta import read_meta
from spacy_lambda.core.progress import OnStep, no_progress
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
    pipeline: str,
    out: Path,
    *,
    precision: Precision = "fp32",
    calibrate: Path | None = None,
    verify: Path | None = None,
    code: Sequence[Path] = (),
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
        (:mod:`.precisions`).
    :param calibrate: Texts like those the pipeline will see, for int8 (see :func:`.texts.read_docs`).
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
    :raises VerifyError: If there are no texts where they should be.
    """
    rules = require_calibrated(precision, calibrate)
    inputs = [one for one in (calibrate, verify, *code) if one is not None]
    with pipeline_folder(pipeline) as path, open_output(out, original=path, inputs=inputs, force=force) as target:
        require_original(path)
        named = chosen_name(read_meta(path / "meta.json"), name=name, version=version)
        on_step("loading", 0, 1)
        original = inspect_original(path, find_code(path, code))
        requirements = pipeline_requirements(original)
        on_step("loading", 1, 1)
        texts = _texts(calibrate, original) if rules.calibrated else []
        comparison = read_docs(verify, original.nlp) if verify is not None else []
        encoders = {}
        for part in original.transformers:
            with library_errors(original.nlp, f"component {part.name!r}"):
                encoders[part.name] = compile_encoder(part, rules, texts=texts, on_step=on_step)
        meta = _make_meta(original, encoders, precision, n_texts=len(texts))
        write_pipeline(original, encoders, target.folder)
        write_name(target.folder, named)
        write_meta(target.folder, meta, requirements)
        if comparison:
            report = compare(original.nlp, target.folder, comparison, on_step=on_step)
            meta = replace(meta, verification=report.summary())
        meta = _prove(prove, original, target.folder, meta, requirements, comparison, on_step)
        target.move_into_place()
    return meta


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


def _texts(calibrate: Path | None, original: Original) -> Sequence[str]:
    return [doc.text for doc in read_docs(calibrate, original.nlp)] if calibrate is not None else []


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
