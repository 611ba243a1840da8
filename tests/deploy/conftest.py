"""Every kind of function, synthesized once; a path on which no program is but those of the test."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from spacy_lambda.cdk.aws_names import stack_name
from spacy_lambda.cdk.spec import FunctionSpec
from spacy_lambda.core.env_names import CDK_VARIABLE
from tests.deploy.specs import SHARED, Template, every_spec
from tests.locks import exclusive, shared_folder


@pytest.fixture(scope="session")
def zipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("code") / "bundle.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo("bundle.json"), "{}")
    return path


@pytest.fixture(scope="session")
def specs(zipped: Path) -> list[FunctionSpec]:
    return every_spec(zipped)


@pytest.fixture(scope="session")
def assembly(specs: list[FunctionSpec], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every shape, synthesized once in a run of the tests; the processes of a parallel run share it."""
    temporary = tmp_path_factory.mktemp("assembly")
    folder = shared_folder(temporary) / "synthesized"
    with exclusive("synthesized"):
        if not folder.exists():
            from spacy_lambda.cdk.app import synthesize  # starts a Node process

            synthesize(specs, SHARED, temporary / "out").rename(folder)
    return folder


@pytest.fixture(scope="session")
def templates(assembly: Path, specs: list[FunctionSpec]) -> dict[str, Template]:
    """Templates by the name of the function; ``shared`` is that of what they share."""
    names = {"shared": stack_name("news"), **{spec.name: stack_name("news", spec.name) for spec in specs}}
    return {
        name: Template(json.loads((assembly / f"{stack}.template.json").read_text())) for name, stack in names.items()
    }


@pytest.fixture(params=["first", "plain", "public", "image", "quiet", "efs"])
def template(templates: dict[str, Template], request: pytest.FixtureRequest) -> Template:
    """Each function's template in turn."""
    return templates[request.param]


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the path, but for the system's own; nothing of the CDK is installed."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(CDK_VARIABLE, raising=False)
    return folder
