"""Import rules between the runtime and the build side."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from spacy_lambda.bundler.tree import SHIPPED_FOLDERS, SHIPPED_MODULES
from tests.architecture.source_files import MODULES, SOURCE, imports, nodes, relative

RUNTIME = SOURCE / "runtime"
INSIDE_THE_FUNCTION = {"numpy", "onnxruntime", "spacy", "srsly", "thinc", "tokenizers"}
SHARED = [
    *(name for name in SHIPPED_MODULES if name != "__init__.py"),
    *(relative(path) for path in sorted((SOURCE / "core").rglob("*.py"))),
]
ALSO = {
    "core/aws_error_kinds.py": {"botocore"},
    "core/source/s3.py": {"boto3", "botocore"},
    "runtime/events/s3_objects.py": {"botocore"},
    "runtime/events/output.py": {"boto3", "botocore"},
    "runtime/events/shard.py": {"botocore"},
    "runtime/curated/sentencepiece.py": {"curated_tokenizers"},
}
"""Modules that may import more: boto3 for S3 and SQS, curated-tokenizers for SentencePiece models."""
BLOCKED = (
    "aws_cdk",
    "boto3",
    "curated_tokenizers",
    "huggingface_hub",
    "onnx",
    "rich",
    "spacy_curated_transformers",
    "spacy_transformers",
    "torch",
    "transformers",
    "typer",
)

IMPORT_HANDLER = """
import importlib.abc, json, sys

class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        frame = sys._getframe(1)
        while frame is not None and "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        if top in {blocked} and frame is not None and "spacy_lambda" in frame.f_code.co_filename:
            raise ImportError(f"{{name}} is not part of the runtime")
        return None

sys.meta_path.insert(0, Blocker())
import os
os.environ["SPACY_LAMBDA_PIPELINE"] = {pipeline!r}
from spacy_lambda.runtime.handler import handler
assert handler({{"text": "Iron."}}, None) is not None
print(json.dumps(sorted(name for name in sys.modules if name.startswith("spacy_lambda"))))
"""


def beyond(name: str, *, packages: set[str], parts: set[str]) -> set[str]:
    """Return what a module imports of other packages, and of other parts of ours."""
    packages = {*sys.stdlib_module_names, *packages, *ALSO.get(name, ())}
    allowed = {True: {f"spacy_lambda.{part}" for part in parts}, False: packages}
    found = {".".join(module.split(".")[: 1 + module.startswith("spacy_lambda")]) for module in imports(SOURCE / name)}
    return {module for module in found if module not in allowed[module.startswith("spacy_lambda")]}


def test_the_runtime_imports_only_what_the_function_has() -> None:
    names = [relative(path) for path in MODULES if path.is_relative_to(RUNTIME)]
    parts = {"errors", *SHIPPED_FOLDERS}
    others = {name: beyond(name, packages=INSIDE_THE_FUNCTION, parts=parts) for name in names}
    assert {name: modules for name, modules in others.items() if modules} == {}
    assert names


def test_the_shared_modules_import_the_standard_library_and_each_other_only() -> None:
    others = {name: beyond(name, packages=set(), parts={"errors", "core"}) for name in SHARED}
    assert {name: modules for name, modules in others.items() if modules} == {}


@pytest.mark.slow
def test_the_handler_runs_with_the_build_side_blocked() -> None:
    script = IMPORT_HANDLER.format(blocked=BLOCKED, pipeline="en_scienceie_minilm")
    done = subprocess.run([sys.executable, "-P", "-s", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = json.loads(done.stdout.splitlines()[-1])
    curated = [name for name in loaded if name.startswith("spacy_lambda.runtime.curated")]
    assert curated == ["spacy_lambda.runtime.curated", "spacy_lambda.runtime.curated.factory"]
    beyond = [name for name in loaded if not name.startswith("spacy_lambda.runtime")]
    assert beyond == [
        "spacy_lambda",
        "spacy_lambda.core",
        "spacy_lambda.core.compiled_meta",
        "spacy_lambda.core.digest",
        "spacy_lambda.core.env_names",
        "spacy_lambda.core.file_names",
        "spacy_lambda.core.files",
        "spacy_lambda.core.lambda_function",
        "spacy_lambda.core.lambda_limits",
        "spacy_lambda.core.location",
        "spacy_lambda.core.metric_names",
        "spacy_lambda.core.pipeline_meta",
        "spacy_lambda.core.pipelines",
        "spacy_lambda.core.request_options",
        "spacy_lambda.core.strict_json",
        "spacy_lambda.core.vcpus",
        "spacy_lambda.errors",
    ]


def test_every_entry_point_resolves_and_carries_a_version() -> None:
    ours = {
        (point.group, point.name): point.load()
        for group in ("spacy_factories", "spacy_architectures")
        for point in entry_points(group=group)
        if point.value.startswith("spacy_lambda")
    }
    assert set(ours) == {
        ("spacy_factories", "onnx_curated_transformer_v1"),
        ("spacy_factories", "onnx_transformer_v1"),
        ("spacy_architectures", "spacy_lambda.CuratedLastLayerListener.v1"),
        ("spacy_architectures", "spacy_lambda.CuratedLayersListener.v1"),
        ("spacy_architectures", "spacy_lambda.CuratedScalarWeight.v1"),
        ("spacy_architectures", "spacy_lambda.CuratedScalarWeightingListener.v1"),
        ("spacy_architectures", "spacy_lambda.CuratedWrappedTransformer.v1"),
        ("spacy_architectures", "spacy_lambda.OnnxListener.v1"),
        ("spacy_architectures", "spacy_lambda.OnnxTok2VecTransformer.v1"),
    }
    assert all(callable(function) for function in ours.values())


def test_json_from_outside_is_read_in_one_place() -> None:
    """Deep nesting and values that JSON does not have are known errors, which those of json.loads are not."""
    # These read what they have written themselves.
    own = {
        "core/strict_json.py",
        "packages/isolated_program.py",
        "packages/isolation.py",
        "bundler/sbom.py",
        "deploy/golden_tests.py",
        "cdk/spec_file.py",
        "core/annotation.py",
        "corpus/engines/messages.py",
        "pipeline/config_file.py",
    }
    loads = {("json", "loads"), ("json", "load")}
    found = {
        relative(path)
        for path in MODULES
        for node in nodes(path)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and (node.value.id, node.attr) in loads
    }
    assert found - own == set()


def test_nothing_of_the_package_needs_test_tools() -> None:
    paths = {*MODULES} - {SOURCE / "testing" / "plugin.py"}  # which pytest imports
    found = {(relative(path), name.partition(".")[0]) for path in paths for name in imports(path)}
    assert [one for one in sorted(found) if one[1] in {"hypothesis", "pytest", "unittest"}] == []
