"""Settings of all tests: a stand-in for the model hub, a Node for the CDK, and no custom attributes of others.

Processes that a test starts have no torch, unless they are started without ``PYTHONPATH``.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from spacy_lambda.deploy.node import node_environment
from spacy_lambda.errors import DeployError
from tests.profiles import load_profile

pytest_plugins = ("tests.speed",)

load_profile()

# A shell that starts the tests in the background ignores these, and programs inherit it.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

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


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--runtime-apart",
        action="store_true",
        help="leave out the tests of the runtime that another run has, in the environment without torch",
    )


@pytest.fixture(autouse=True, scope="session")
def _processes_without_torch() -> Iterator[None]:
    """Hide torch from processes that tests start: importing it next to spaCy takes seconds."""
    # Not when this module is imported: workers of a parallel run are started after that, and have torch.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent / "without_torch"), prepend=os.pathsep)
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
