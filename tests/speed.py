"""What makes the tests faster and changes none of them: a plugin of pytest, which ``conftest.py`` names.

Private parts of catalogue, typer, botocore and xdist are replaced, by others that do the same in less time.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

gc.disable()
"""While tests are collected, which makes objects and no garbage."""

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
"""Modules that share what a process starts once for all of them; one process of a parallel run runs all of them."""


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
