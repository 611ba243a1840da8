"""The distributions that are published: built without a network, checked, and installed in a fresh environment."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

import spacy_lambda

ROOT = Path(__file__).parents[2]
SOURCE = Path(spacy_lambda.__file__).parent
VERSION = spacy_lambda.__version__
JUNK = re.compile(r"(^|/)(__pycache__|tests?|bench|build|pipelines|\.venv|\.git)(/|$)|\.(pyc|whl|log|toml~)$")


def run(*words: object, cwd: Path = ROOT, **environment: str) -> str:
    done = subprocess.run(
        list(map(str, words)),
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    return folder


@pytest.mark.slow
def test_they_are_valid(dist: Path) -> None:
    names = [f"spacy_lambda-{VERSION}-py3-none-any.whl", f"spacy_lambda-{VERSION}.tar.gz"]
    assert sorted(path.name for path in dist.iterdir()) == names
    assert run(sys.executable, "-m", "twine", "check", "--strict", *sorted(dist.iterdir())).count("PASSED") == 2


@pytest.mark.slow
def test_they_contain_the_source_and_nothing_else(dist: Path) -> None:
    sources = {f"spacy_lambda/{path.relative_to(SOURCE).as_posix()}" for path in SOURCE.rglob("*") if path.is_file()}
    sources = {name for name in sources if not JUNK.search(name)}
    with zipfile.ZipFile(dist / f"spacy_lambda-{VERSION}-py3-none-any.whl") as wheel:
        packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert packed == sources
    with tarfile.open(dist / f"spacy_lambda-{VERSION}.tar.gz") as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    others = {"CHANGELOG.md", "LICENSE", "PKG-INFO", "README.md", "constraints.txt", "pyproject.toml", ".gitignore"}
    assert names - others == {f"src/{name}" for name in sources}


@pytest.mark.slow
def test_the_wheel_works_in_a_fresh_environment(dist: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "fresh", with_pip=False, symlinks=True)
    python = tmp_path / "fresh" / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python)
    run(*pip, "install", "--no-deps", "--no-index", "--quiet", next(dist.glob("*.whl")))
    # The dependencies, of which the network has more: those of this environment, behind the wheel.
    (site,) = (tmp_path / "fresh").glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    where = run(python, "-c", "import spacy_lambda; print(spacy_lambda.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(site)
    assert run(python.with_name("spacy-lambda"), "--version", cwd=tmp_path) == f"spacy-lambda {VERSION}\n"


def test_the_release_workflow_builds_what_the_tests_build() -> None:
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")
    jobs: dict[str, Any] = yaml.safe_load(text)["jobs"]
    steps = [step for job in jobs.values() for step in job["steps"]]
    uses = [step["uses"] for step in steps if "uses" in step]
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@(release/)?v\d+", one) for one in uses)
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert jobs["publish"]["environment"] == "pypi"
    assert jobs["publish"]["needs"] == "build"
    assert not re.search(r"secrets\.|password", text)
    scripts = "\n".join(step.get("run", "") for step in steps)
    assert "python -m build" in scripts
    assert "twine check --strict dist/*" in scripts


def test_build_tools_are_pinned() -> None:
    pinned = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    for name in ("build", "hatchling", "twine"):
        assert re.search(rf"^{name}==", pinned, re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert any(one.startswith("twine") for one in project["optional-dependencies"]["dev"])
