"""A bundle's folder -> a build context for any engine."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

from spacy_lambda.bundler.bytecode import TASK_ROOT
from spacy_lambda.bundler.metadata import PIPELINE_FOLDER, SBOM, BundleMetadata
from spacy_lambda.bundler.target import Target
from spacy_lambda.core.env_names import TASK_ROOT_VARIABLE
from spacy_lambda.core.files import ARCHIVE_TIME
from spacy_lambda.core.lambda_function import HANDLER
from spacy_lambda.core.pipeline_meta import pipeline_name
from spacy_lambda.core.pipelines import BUNDLE_METADATA

__all__ = ["PIPELINE_LAYER", "PYTHON_LABEL", "SNAPSTART_LABEL", "aws_base", "image_tag", "write_context"]

SNAPSTART_LABEL = "com.amazonaws.lambda.feature.snapstart"
"""Required by SnapStart of an image that is not built on AWS's base."""

AWS_BASE = re.compile(r"(public\.ecr\.aws/lambda|amazon/aws-lambda|docker\.io/amazon/aws-lambda)[-/]python[:@]")
PYTHON_LABEL = "spacy-lambda.python"
PIPELINE_LAYER = "pipeline"
LAYERS = ("packages", "runtime", PIPELINE_LAYER)


USER = "1000:1000"


def aws_base(target: Target) -> str:
    """Return AWS's base image for Python."""
    return f"public.ecr.aws/lambda/python:{target.python}"


def image_tag(name: str) -> str:
    """Return a local name for an image: ``spacy-lambda/LANG_NAME-VERSION-pyXY-ARCH``, in the characters allowed."""
    return f"spacy-lambda/{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}:latest"


def write_context(tree: Path, context: Path, *, base: str, metadata: BundleMetadata) -> None:
    """Distribute the tree over layers, the most stable first, and write the Dockerfile.

    :param tree: Everything that the function needs; it is moved.
    :param context: The folder, which must exist and be empty.
    :param base: An image with Python and, unless it is AWS's, ``awslambdaric``.
    :param metadata: The source of the labels.
    """
    layers: dict[str, list[str]] = {layer: [] for layer in LAYERS}
    for entry in sorted(path.name for path in tree.iterdir()):
        layers[_layer(entry)].append(entry)
    for layer, entries in layers.items():
        (context / layer).mkdir(mode=0o755)
        for entry in entries:
            shutil.move(tree / entry, context / layer / entry)
    (context / "Dockerfile").write_text(_dockerfile(base, metadata), encoding="utf-8")
    for path in (context, *context.rglob("*")):
        os.utime(path, (ARCHIVE_TIME, ARCHIVE_TIME))


def _layer(entry: str) -> str:
    if entry in (PIPELINE_FOLDER, BUNDLE_METADATA, SBOM):
        return PIPELINE_LAYER
    return "runtime" if entry.startswith("spacy_lambda") else "packages"


def _dockerfile(base: str, metadata: BundleMetadata) -> str:
    name = pipeline_name(metadata.pipeline)
    labels = {
        "org.opencontainers.image.title": name.package,
        "org.opencontainers.image.version": name.version,
        PYTHON_LABEL: metadata.target.python,
    }
    lines = []
    if not AWS_BASE.match(base):
        labels[SNAPSTART_LABEL] = "Allow"
        lines = [f"ENV {TASK_ROOT_VARIABLE}={TASK_ROOT}", 'ENTRYPOINT ["python3", "-m", "awslambdaric"]']
    lines = [
        f"FROM {base}",
        f"WORKDIR {TASK_ROOT}",
        *(f"COPY {layer}/ {TASK_ROOT}/" for layer in LAYERS),
        f"USER {USER}",
        *(f"LABEL {label}={json.dumps(value)}" for label, value in labels.items()),
        *lines,
        f'CMD ["{HANDLER}"]',
    ]
    return "\n".join([*lines, ""])
