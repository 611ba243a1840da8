"""Deployed versions in the local Lambda: each runs the bundle that was uploaded, from its first invocation on."""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.error import HTTPError

from spacy_lambda.bundler.metadata import PIPELINE_FOLDER
from spacy_lambda.core.artifact.open import extract_zip
from spacy_lambda.core.env_names import AWS_REGION_VARIABLES, CACHE_VARIABLE, LOG_FORMAT_VARIABLE
from spacy_lambda.core.lambda_function import HANDLER
from spacy_lambda.local import FunctionSettings, LocalLambda, Program, installed_program
from spacy_lambda.local.bundle import open_bundle, runs_here
from spacy_lambda.rehearsal.deployed_code import DeployedCode, OnLog, VersionResponse

__all__ = ["DeployedFunctions"]

ACCESS_VARIABLES = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", *AWS_REGION_VARIABLES)
"""Variables of the emulator that functions get, as Lambda gives them those of a role."""

PASSED_ON = ("X-Amz-Function-Error", "X-Amz-Log-Result")


class DeployedFunctions:
    """Runs the code of functions, each version in a local Lambda of its own, until it is closed.

    :param on_log: Called with log lines, in other threads.
    """

    def __init__(self, on_log: OnLog) -> None:
        self._on_log = on_log
        self._started: dict[str, LocalLambda] = {}
        self._opened: list[ExitStack] = []
        self._lock = threading.Lock()
        self.substituted: set[str] = set()
        """Functions whose bundle this machine cannot run; its pipeline runs with the installed packages instead."""

    def __enter__(self) -> DeployedFunctions:
        return self

    def __exit__(self, *_: object) -> None:
        """End all versions at the same time: each waits for its processes and for the disk."""
        with ThreadPoolExecutor(max(len(self._opened), 1)) as threads:
            for done in [threads.submit(opened.close) for opened in self._opened]:
                done.result()

    def run(self, code: DeployedCode, event: bytes) -> VersionResponse:
        """Invoke a version."""
        local = self._local(code)
        url = f"{local.endpoint_url}/2015-03-31/functions/{code.function}/invocations"
        request = urllib.request.Request(url, data=event, headers={"X-Amz-Log-Type": "Tail"}, method="POST")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request) as response:
                headers = {name: response.headers[name] for name in PASSED_ON if name in response.headers}
                return VersionResponse(response.read(), headers)
        except HTTPError as exc:  # the local Lambda refuses the event, or cannot start an environment
            return VersionResponse(exc.read(), {PASSED_ON[0]: "Unhandled"})

    def find_url(self, code: DeployedCode) -> str:
        """Return the URL of a version, which is started if it has not been invoked."""
        return self._local(code).function.url

    def _local(self, code: DeployedCode) -> LocalLambda:
        key = repr((code.function, code.version, hashlib.sha256(code.archive).digest(), code.image, code.variables))
        with self._lock:
            if key not in self._started:
                self._started[key] = self._start(code)
            return self._started[key]

    def _start(self, code: DeployedCode) -> LocalLambda:
        with ExitStack() as opened:
            local = opened.enter_context(self._make(code, opened))
            self._opened.append(opened.pop_all())
            return local

    def _make(self, code: DeployedCode, opened: ExitStack) -> LocalLambda:
        program, handler = opened.enter_context(self._program(code))
        # There is no EFS: what would be on it is fetched to /tmp.
        variables = {name: value for name, value in code.variables.items() if name != CACHE_VARIABLE}
        settings = FunctionSettings(
            pipeline=code.image or code.function,
            name=code.function,
            version=code.version,
            handler=handler,
            memory_mb=code.memory_mb,
            timeout_s=code.timeout_s,
            environment={**variables, LOG_FORMAT_VARIABLE: "JSON"},
        )
        passed = {name: os.environ[name] for name in ACCESS_VARIABLES if name in os.environ}
        program = replace(program, fixed={**program.fixed, **passed})
        return LocalLambda(settings, program=program, log=partial(self._on_log, code))

    @contextmanager
    def _program(self, code: DeployedCode) -> Iterator[tuple[Program, str]]:
        if code.image is not None:
            with open_bundle(code.image) as runnable:
                yield runnable.program, runnable.handler
            return
        with tempfile.TemporaryDirectory(prefix="spacy-lambda-") as scratch:
            path = Path(scratch, "bundle.zip")
            path.write_bytes(code.archive)
            if runs_here(path):
                with open_bundle(str(path)) as runnable:
                    yield runnable.program, runnable.handler
                return
            self.substituted.add(code.function)
            extract_zip(path, Path(scratch, "task"))
            pipeline = Path(scratch, "task", PIPELINE_FOLDER)
            with installed_program(FunctionSettings(pipeline=pipeline)) as program:
                yield program, HANDLER
