"""``spacy-lambda run-bundle``: a bundle in the local Lambda, with only itself on its path."""

from __future__ import annotations

import asyncio
import os
from contextlib import ExitStack
from typing import Annotated

import typer

from spacy_lambda.cli.completion import complete_words
from spacy_lambda.cli.options import (
    ENGINE_NAMES,
    AllowHostOption,
    CompareOption,
    EnvOption,
    EphemeralStorageOption,
    FunctionNameOption,
    HostOption,
    MaxConcurrencyOption,
    MemoryOption,
    MountOption,
    NoLimitsOption,
    OnFailureOption,
    PortOption,
    ReservedConcurrencyOption,
    SnapStartOption,
    TimeoutOption,
)
from spacy_lambda.cli.progress import stages
from spacy_lambda.cli.serving import function_environment, serve_until_stopped
from spacy_lambda.core.lambda_function import DEFAULT_MEMORY_MB, DEFAULT_TIMEOUT_S
from spacy_lambda.local.settings import DEFAULT_PORT, DEFAULT_STORAGE_MB, FunctionSettings, LocalFunction


def run_bundle(
    bundle: Annotated[
        str, typer.Argument(help="A zip, the folder of an image, or an image as REGISTRY/NAME@sha256:...")
    ],
    *,
    compare: CompareOption = None,
    engine: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Program that runs an image: docker, podman, buildah or finch.",
            show_default="the first one found",
            autocompletion=complete_words(ENGINE_NAMES),
        ),
    ] = None,
    host: HostOption = "127.0.0.1",
    port: PortOption = DEFAULT_PORT,
    allow_host: AllowHostOption = None,
    name: FunctionNameOption = "function",
    env: EnvOption = None,
    timeout: TimeoutOption = float(DEFAULT_TIMEOUT_S),
    memory: MemoryOption = DEFAULT_MEMORY_MB,
    no_limits: NoLimitsOption = False,
    ephemeral_storage: EphemeralStorageOption = DEFAULT_STORAGE_MB,
    mount: MountOption = None,
    on_failure: OnFailureOption = None,
    max_concurrency: MaxConcurrencyOption = None,
    reserved_concurrency: ReservedConcurrencyOption = None,
    snapstart: SnapStartOption = False,
) -> None:
    """Serve a bundle as Lambda would run it: a zip on the Python it is made for, an image on a read-only root.

    Example: spacy-lambda run-bundle bundle.zip
    """
    from spacy_lambda.local.bundle import open_bundle
    from spacy_lambda.local.router import side_by_side

    with ExitStack() as opened:

        def deployment(which: str) -> LocalFunction:
            with stages(quiet=False) as on_step:
                runnable = opened.enter_context(open_bundle(which, engine=engine, on_step=on_step))
            settings = FunctionSettings(
                pipeline=which,
                name=name,
                handler=runnable.handler,
                environment=function_environment(env or []),
                timeout_s=timeout,
                memory_mb=memory,
                limits=not no_limits,
                storage_mb=ephemeral_storage,
                mounts=tuple(mount or ()),
                on_failure=on_failure,
                max_concurrency=max_concurrency or os.cpu_count() or 1,
                reserved_concurrency=reserved_concurrency,
                snap_start=snapstart,
            )
            return LocalFunction(settings, runnable.program)

        functions = {"/": deployment(bundle)}
        if compare is not None:
            functions = side_by_side(functions["/"], deployment(compare))
        asyncio.run(serve_until_stopped(functions, host=host, port=port, allow_hosts=allow_host or ()))
