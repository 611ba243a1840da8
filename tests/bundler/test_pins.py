"""Targets, and the versions that are pinned for them."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from spacy_lambda.bundler.pins import Pin, pin_requirements
from spacy_lambda.bundler.target import Target
from spacy_lambda.errors import BundleError, RequirementError
from spacy_lambda.packages.base_install import LEFT_OUT, left_out


@pytest.mark.parametrize(("python", "arch"), [("3.11", "x86_64"), ("3.13", "aarch64"), ("4", "arm64")])
def test_targets_that_lambda_lacks(python: str, arch: str) -> None:
    with pytest.raises(BundleError) as caught:
        Target(python, arch)
    assert "choose" in caught.value.remedy


def test_the_installed_versions_are_pinned() -> None:
    found, ours = pin_requirements([], Target())
    names = {pin.name for pin in found}
    assert {"spacy", "onnxruntime", "tokenizers", "numpy"} <= names
    assert names.isdisjoint({*LEFT_OUT, "spacy-lambda", "torch", "boto3"})
    assert ours.metadata["Name"] == "spacy-lambda"
    assert Pin("spacy", version("spacy")) in found


def test_requirements_of_the_pipeline_itself_are_not_left_out() -> None:
    """With their own requirements; requirements of spaCy alone stay out."""
    names = {pin.name for pin in pin_requirements(["spacy>=3.8", "spacy-lambda", "requests>=2"], Target())[0]}
    assert {"requests", "urllib3", "idna", "certifi", "charset-normalizer"} <= names
    assert names.isdisjoint({"typer", "jinja2", "weasel", "huggingface-hub"})
    assert left_out([]) == left_out(["spacy>=3.8", "spacy-lambda"]) == LEFT_OUT.keys()


def test_a_requirement_that_is_not_installed() -> None:
    with pytest.raises(RequirementError, match="no-such-package") as caught:
        pin_requirements(["no-such-package>=1"], Target())
    assert "pip install" in caught.value.remedy
