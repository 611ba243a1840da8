"""Compile a pipeline: survey, encode, write, compare."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ..errors import CompileError
from ..manifest import CompiledMeta, Precision
from ..pipelines import find_pipeline
from .compare import Report, compare
from .encode import CompiledEncoder, OnStep, compile_encoder
from .survey import Survey, source_hash, survey
from .texts import read_docs
from .write import write_meta, write_pipeline

__all__ = ["compile_pipeline"]

TOOLS = (
    "spacy-lambda",
    "spacy",
    "spacy-transformers",
    "transformers",
    "tokenizers",
    "torch",
    "onnx",
    "onnxruntime",
)


def compile_pipeline(
    pipeline: str,
    out: Path,
    *,
    precision: Precision = "fp32",
    calibrate: Path | None = None,
    verify: Path | None = None,
    force: bool = False,
    on_step: OnStep = lambda step, done, total: None,
) -> CompiledMeta:
    """Compile a pipeline into a new directory, which appears whole or not at all.

    :param pipeline: A pipeline's directory, or the name of an installed pipeline package.
    :param out: The compiled pipeline's directory; must not exist, or be empty.
    :param precision: ``fp32`` says what the original says; ``int8`` is smaller and faster.
    :param calibrate: Texts like those the pipeline will see, for int8 (see :func:`.texts.read_docs`).
    :param verify: Texts to compare both pipelines on; the figures go into ``meta.json``.
    :param force: Replace ``out`` when it exists.
    :param on_step: Told about progress.
    :returns: What was written into ``meta.json``.
    :raises PipelineNotFoundError: When there is no such pipeline.
    :raises CompileError: When ``out`` is taken, or the pipeline cannot be compiled.
    :raises VerifyError: When there are no texts where they should be.
    """
    out = out.absolute()
    path = find_pipeline(pipeline)
    if out.exists() and not force and (not out.is_dir() or any(out.iterdir())):
        raise CompileError(f"{out} exists", remedy="choose another folder, or replace it with --force")
    if out == path.absolute() or out in path.absolute().parents:
        raise CompileError(f"{out} holds the original", remedy="choose another folder")
    on_step("loading", 0, 1)
    original = survey(path)
    on_step("loading", 1, 1)
    texts = _texts(calibrate, original) if precision == "int8" else []
    comparison = read_docs(verify, original.nlp) if verify is not None else None
    encoders = {
        part.name: compile_encoder(part, precision, texts=texts, on_step=on_step) for part in original.transformers
    }
    meta = _describe(original, encoders, precision, n_texts=len(texts))
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as scratch:
        folder = Path(scratch, "pipeline")
        write_pipeline(original, encoders, meta, folder)
        if comparison is not None:
            report = compare(original.nlp, folder, comparison, on_step=on_step)
            meta = _with_verification(meta, report)
            write_meta(folder, meta)
        _replace(folder, out)
    return meta


def _texts(calibrate: Path | None, original: Survey) -> Sequence[str]:
    return [doc.text for doc in read_docs(calibrate, original.nlp)] if calibrate is not None else []


def _replace(folder: Path, out: Path) -> None:
    if out.exists():
        old = folder.with_name("old")
        os.replace(out, old)
        os.replace(folder, out)
        shutil.rmtree(old)
    else:
        os.replace(folder, out)


def _describe(
    original: Survey, encoders: dict[str, CompiledEncoder], precision: Precision, *, n_texts: int
) -> CompiledMeta:
    meta = original.nlp.meta
    return CompiledMeta(
        source_name=f"{meta['lang']}_{meta['name']}",
        source_version=meta["version"],
        source_sha256=source_hash(original.path),
        precision=precision,
        encoders={
            part.name: {
                "architecture": part.model.config.model_type,
                "method": encoders[part.name].method,
                "get_spans": part.get_spans,
                "window": part.window,
                "stride": part.stride,
                "max_length": part.max_length,
                "width": encoders[part.name].width,
                "bytes": sum(map(len, encoders[part.name].model)),
                "largest_difference": encoders[part.name].largest_difference,
                "relative_error": encoders[part.name].relative_error,
                "checked_length": encoders[part.name].checked_length,
                "calibration_texts": n_texts if precision == "int8" else None,
            }
            for part in original.transformers
        },
        tools=_tool_versions(),
    )


def _with_verification(meta: CompiledMeta, report: Report) -> CompiledMeta:
    return CompiledMeta(**{**meta.to_dict(), "verification": report.to_dict()})


def _tool_versions() -> dict[str, str]:
    versions = {}
    for tool in TOOLS:
        try:
            versions[tool] = version(tool)
        except PackageNotFoundError:
            continue
    return versions
