"""Settings of all tests: a stand-in for the model hub, a Node for the CDK, and no custom attributes of others.

Processes that a test starts have no torch, unless they are started without ``PYTHONPATH``.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from spacy_lambda.deploy.node import node_environment
from spacy_lambda.errors import DeployError
from tests.profiles import load_profile

load_profile()

# A shell that starts the tests in the background ignores these, and programs inherit it.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

gc.disable()
"""While tests are collected, which makes objects and no garbage."""

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    # Before huggingface_hub is imported, which reads it once; the stand-in for the Hub listens there.
    os.environ["HF_ENDPOINT"] = f"http://127.0.0.1:{free.getsockname()[1]}"

with suppress(DeployError):  # in the environment of the runtime, which needs none
    # The CDK's library starts "node" from the path when it is imported.
    os.environ["PATH"] = node_environment()["PATH"]
    os.environ.setdefault("NODE_COMPILE_CACHE", str(Path(__file__).parents[1] / "build" / "node"))

KEPT = "trf_data"
"""spacy-transformers' own, which originals that are shared between tests go on to need."""


LONGEST = (
    "deploy/test_live.py",
    "deploy/test_live_sources.py",
    "deploy/test_live_images.py",
    "bundler/test_real_zip.py",
    "bundler/test_real_image.py",
    "compiler/test_architectures.py",
    "corpus/test_ray.py",
)
"""Modules with which parallel runs begin; those of images, which wait for each other, at different times."""


TOGETHER = {
    "bundler/": "the bundled pipeline's zip",
    "deploy/": "the CDK's library, which takes seconds to start",
    "docs/test_frameworks": "the CDK's library, which takes seconds to start",
    "local/test_access": "a browser",
    "local/test_compare": "a browser",
    "local/test_page": "a browser",
}
"""Modules that share what a process starts once for all of them; one process of a parallel run has them all."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--runtime-apart",
        action="store_true",
        help="leave out the tests of the runtime that another run has, in the environment without torch",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Collect garbage once at the end, which takes seconds with all that tests import; PyPy needs it five times."""
    with suppress(ImportError):  # pytest's own
        from _pytest.unraisableexception import gc_collect_iterations_key

        config.stash[gc_collect_iterations_key] = 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep tests of a module together, as ``--dist loadfile``, and modules of ``TOGETHER`` too."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path = nodeid.partition("::")[0]
            below = path.removeprefix("tests/")
            return next((shared for start, shared in TOGETHER.items() if below.startswith(start)), path)

    return Scheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In parallel runs, begin with the modules that have slow tests: then no process is left alone with one."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    longest = {Path(__file__).parent / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: (longest.get(item.path, len(longest)), item.path not in slow))


def pytest_collection_finish() -> None:
    """Collect garbage less often, and without imported modules and tests: they stay, and are most of all objects."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    gc.enable()


@pytest.fixture(autouse=True, scope="session")
def _processes_without_torch() -> Iterator[None]:
    """Hide torch from processes that tests start: importing it next to spaCy takes seconds."""
    # Not when this module is imported: workers of a parallel run are started after that, and have torch.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent / "without_torch"), prepend=os.pathsep)
        yield


@pytest.fixture(autouse=True, scope="session")
def _entry_points_by_group() -> Iterator[None]:
    """Group the entry points that spaCy looks up: with all of them in a row, a load spends a tenth of its time."""
    import catalogue

    found = entry_points()
    groups = {group: list(found.select(group=group)) for group in found.groups}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalogue, "AVAILABLE_ENTRY_POINTS", groups)
        yield


@pytest.fixture(autouse=True, scope="session")
def _parameters_of_commands() -> Iterator[None]:
    """Read the signature of each command once: typer reads those of all commands for every run of one."""
    if "typer.main" not in sys.modules:  # in the environment of the runtime, which runs no command
        yield
        return
    from typer.utils import get_params_from_function

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("typer.main.get_params_from_function", cache(get_params_from_function))
        yield


@pytest.fixture(autouse=True, scope="session")
def _models_of_aws() -> Iterator[None]:
    """Read the model of each of AWS's services once: a session reads megabytes of JSON again for its first clients.

    Once for each kind of loader: moto's adds what only an emulator has to the same models.
    """
    if "boto3" not in sys.modules:  # in the environment of the runtime
        yield
        return
    from botocore.loaders import Loader

    initialize = Loader.__init__
    read: dict[Any, dict[Any, Any]] = {}

    def share(loader: Any, *arguments: Any, **options: Any) -> None:
        initialize(loader, *arguments, **options)
        loader._cache = read.setdefault((type(loader), *loader.search_paths), {})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Loader, "__init__", share)
        yield


@pytest.fixture(autouse=True, scope="module")
def _extensions_of_one_module() -> Iterator[None]:
    """Remove those that fixtures of a module register."""
    yield from _without_new_extensions()


@pytest.fixture(autouse=True)
def _extensions_of_one_test() -> Iterator[None]:
    """Remove the custom attributes that a test registers: they belong to the process, and others would compare them."""
    yield from _without_new_extensions()


def _without_new_extensions() -> Iterator[None]:
    from spacy.tokens.underscore import Underscore  # the process that starts those of a parallel run needs no spaCy

    extensions = (Underscore.doc_extensions, Underscore.span_extensions, Underscore.token_extensions)
    before = [set(registered) for registered in extensions]
    yield
    for registered, names in zip(extensions, before, strict=True):
        for name in registered.keys() - names - {KEPT}:
            del registered[name]
