"""Compile a trained spaCy transformer pipeline to ONNX, and run it on AWS Lambda without torch.

::

    trained pipeline ──compile_pipeline──▶ compiled pipeline ──bundle──▶ zip or image
            └───────────────verify────────────────┘ └──push, pull──▶ store

:func:`serve` runs a pipeline on this machine as Lambda would, :class:`Client` calls a function, :func:`load` opens a
compiled pipeline in Python, :func:`convert` makes a corpus of annotations, :func:`train_pipeline` trains a pipeline,
:func:`evaluate` scores one on an annotated corpus, :func:`annotate` annotates a corpus with one.

Public names are imported when they are used: the function imports this package too, and has no use for most of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str

    from spacy_lambda.bundler import bundle
    from spacy_lambda.client import Client
    from spacy_lambda.compiler import compile_pipeline, describe_pipeline, verify
    from spacy_lambda.config import load_project
    from spacy_lambda.conversion import ConversionOptions, convert
    from spacy_lambda.corpus import annotate
    from spacy_lambda.errors import (
        ArtifactError,
        BundleError,
        CacheError,
        CompileError,
        ConfigError,
        CorpusError,
        DeployError,
        DigestError,
        EncoderError,
        InferenceError,
        InvalidPipelineError,
        InvokeError,
        JsonError,
        LocalLambdaError,
        LocationError,
        MissingExtraError,
        MissingOutputError,
        NotCompiledError,
        NotStoredError,
        OutOfTimeError,
        OutputError,
        PackageError,
        PipelineError,
        PipelineLoadError,
        PipelineNotFoundError,
        RequestError,
        RequirementError,
        SignatureError,
        SizingError,
        SpacyLambdaError,
        StoreError,
        TrainingError,
        UnsupportedPipelineError,
        VerifyError,
    )
    from spacy_lambda.evaluation import evaluate
    from spacy_lambda.local import LocalLambda, serve
    from spacy_lambda.pipeline_wheel import package_pipeline
    from spacy_lambda.runtime.loading import load
    from spacy_lambda.sizing import check, estimate
    from spacy_lambda.store import pull, push
    from spacy_lambda.training import train_pipeline

__all__ = [
    "ArtifactError",
    "BundleError",
    "CacheError",
    "Client",
    "CompileError",
    "ConfigError",
    "ConversionOptions",
    "CorpusError",
    "DeployError",
    "DigestError",
    "EncoderError",
    "InferenceError",
    "InvalidPipelineError",
    "InvokeError",
    "JsonError",
    "LocalLambda",
    "LocalLambdaError",
    "LocationError",
    "MissingExtraError",
    "MissingOutputError",
    "NotCompiledError",
    "NotStoredError",
    "OutOfTimeError",
    "OutputError",
    "PackageError",
    "PipelineError",
    "PipelineLoadError",
    "PipelineNotFoundError",
    "RequestError",
    "RequirementError",
    "SignatureError",
    "SizingError",
    "SpacyLambdaError",
    "StoreError",
    "TrainingError",
    "UnsupportedPipelineError",
    "VerifyError",
    "__version__",
    "annotate",
    "bundle",
    "check",
    "compile_pipeline",
    "convert",
    "describe_pipeline",
    "estimate",
    "evaluate",
    "load",
    "load_project",
    "package_pipeline",
    "pull",
    "push",
    "serve",
    "train_pipeline",
    "verify",
]

_LAZY_IMPORTS = {
    "Client": "spacy_lambda.client",
    "ConversionOptions": "spacy_lambda.conversion",
    "LocalLambda": "spacy_lambda.local",
    "annotate": "spacy_lambda.corpus",
    "bundle": "spacy_lambda.bundler",
    "check": "spacy_lambda.sizing",
    "compile_pipeline": "spacy_lambda.compiler",
    "convert": "spacy_lambda.conversion",
    "describe_pipeline": "spacy_lambda.compiler",
    "estimate": "spacy_lambda.sizing",
    "evaluate": "spacy_lambda.evaluation",
    "load": "spacy_lambda.runtime.loading",
    "load_project": "spacy_lambda.config",
    "package_pipeline": "spacy_lambda.pipeline_wheel",
    "pull": "spacy_lambda.store",
    "push": "spacy_lambda.store",
    "serve": "spacy_lambda.local",
    "train_pipeline": "spacy_lambda.training",
    "verify": "spacy_lambda.compiler",
}
"""Modules of the public names; all others are errors."""


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "__version__":  # read from the installed distribution, which the function need not do
        from importlib.metadata import version

        return version("spacy-lambda")
    home = _LAZY_IMPORTS.get(name, "spacy_lambda.errors")
    if home in ("spacy_lambda.errors", "spacy_lambda.runtime.loading"):  # part of the function, extras are not
        return getattr(import_module(home), name)
    from spacy_lambda.extras import explain_missing

    value = explain_missing(lambda: getattr(import_module(home), name))()
    return value if isinstance(value, type) else explain_missing(value)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
