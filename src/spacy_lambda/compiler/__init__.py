"""Compile a trained pipeline, and verify the compiled pipeline against its original.

The flow of :func:`compile_pipeline`, one module each::

    inspection     the original is loaded; every part that cannot be compiled is reported at once
      libraries      each transformer, behind one interface for both of spaCy's libraries
    encode         each transformer becomes an ONNX encoder, checked against torch (parity)
      graphs         weights -> a graph written by hand, for the usual architectures
      quantize       weights -> 8-bit weights (int8)
      weight_only    graph -> the same with 8-bit weights that are expanded when it is loaded (int8-weight-only)
      traced_graph   any other architecture -> a graph traced by torch
    write          the folder: the original's, with encoders in place of the transformers
    verification   original and compiled pipeline on the same texts, component by component
    proof          the compiled pipeline in a fresh process with only the function's packages

Each stage consults ``precisions`` for the rules of the precision.

The names are imported when they are used: they need the ``compile`` extra. The runtime must not import this package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spacy_lambda.extras import lazy_imports

if TYPE_CHECKING:
    from spacy_lambda.compiler.compile import compile_pipeline
    from spacy_lambda.compiler.description import PipelineDescription, describe_pipeline
    from spacy_lambda.compiler.emulated_host import EmulatedHost
    from spacy_lambda.compiler.precisions import Thresholds
    from spacy_lambda.compiler.report import (
        ComponentReport,
        Difference,
        LabelReport,
        NotCompared,
        PipelineTime,
        TextFailure,
        VerificationReport,
    )
    from spacy_lambda.compiler.verification import verify
    from spacy_lambda.core.compiled_meta import CompiledMeta, Precision
    from spacy_lambda.core.progress import OnStep

__all__ = [
    "CompiledMeta",
    "ComponentReport",
    "Difference",
    "EmulatedHost",
    "LabelReport",
    "NotCompared",
    "OnStep",
    "PipelineDescription",
    "PipelineTime",
    "Precision",
    "TextFailure",
    "Thresholds",
    "VerificationReport",
    "compile_pipeline",
    "describe_pipeline",
    "verify",
]

_LAZY_IMPORTS = {
    "CompiledMeta": "spacy_lambda.core.compiled_meta",
    "ComponentReport": "spacy_lambda.compiler.report",
    "Difference": "spacy_lambda.compiler.report",
    "EmulatedHost": "spacy_lambda.compiler.emulated_host",
    "LabelReport": "spacy_lambda.compiler.report",
    "NotCompared": "spacy_lambda.compiler.report",
    "OnStep": "spacy_lambda.core.progress",
    "PipelineDescription": "spacy_lambda.compiler.description",
    "PipelineTime": "spacy_lambda.compiler.report",
    "Precision": "spacy_lambda.core.compiled_meta",
    "TextFailure": "spacy_lambda.compiler.report",
    "Thresholds": "spacy_lambda.compiler.precisions",
    "VerificationReport": "spacy_lambda.compiler.report",
    "compile_pipeline": "spacy_lambda.compiler.compile",
    "describe_pipeline": "spacy_lambda.compiler.description",
    "verify": "spacy_lambda.compiler.verification",
}

__getattr__ = lazy_imports(__name__, _LAZY_IMPORTS)
