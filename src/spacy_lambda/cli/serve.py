"""``spacy-lambda serve``: a pipeline in the local Lambda."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from spacy_lambda.cli.options import (
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
    finite,
)
from spacy_lambda.cli.serving import function_environment, serve_until_stopped
from spacy_lambda.core.lambda_function import DEFAULT_MEMORY_MB, DEFAULT_TIMEOUT_S, HANDLER
from spacy_lambda.local.settings import DEFAULT_PORT, DEFAULT_STORAGE_MB, FunctionSettings, LocalFunction

MAX_IDLE_S = 30 * 86_400


def serve(
    pipeline: Annotated[
        str, typer.Argument(help="Pipeline folder, installed package, or location: s3://..., hf://...")
    ],
    *,
    compare: CompareOption = None,
    host: HostOption = "127.0.0.1",
    port: PortOption = DEFAULT_PORT,
    allow_host: AllowHostOption = None,
    name: FunctionNameOption = "function",
    handler: Annotated[
        str, typer.Option(help="Handler as MODULE.FUNCTION, as in Lambda's setting.", show_default="spacy-lambda's")
    ] = HANDLER,
    code: Annotated[Path | None, typer.Option(help="Folder with the handler's code.")] = None,
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
    idle_timeout: Annotated[
        float,
        typer.Option(
            max=MAX_IDLE_S, callback=finite, help="Seconds after which an idle execution environment is ended."
        ),
    ] = 600.0,
    keep_task_root: Annotated[
        bool, typer.Option("--keep-path", help="Do not delete the folder of the function's code when the server stops.")
    ] = False,
) -> None:
    """Serve a pipeline as a Lambda function on this machine, for boto3 and the AWS CLI.

    Example: spacy-lambda serve compiled
    """
    from spacy_lambda.local.router import side_by_side

    settings = FunctionSettings(
        pipeline=pipeline,
        name=name,
        handler=handler,
        code=code,
        environment=function_environment(env or []),
        timeout_s=timeout,
        memory_mb=memory,
        limits=not no_limits,
        storage_mb=ephemeral_storage,
        mounts=tuple(mount or ()),
        on_failure=on_failure,
        idle_timeout_s=idle_timeout,
        keep_task_root=keep_task_root,
        max_concurrency=max_concurrency or os.cpu_count() or 1,
        reserved_concurrency=reserved_concurrency,
        snap_start=snapstart,
    )
    functions = {"/": LocalFunction(settings)}
    if compare is not None:
        functions = side_by_side(LocalFunction(settings), LocalFunction(replace(settings, pipeline=compare)))
    asyncio.run(serve_until_stopped(functions, host=host, port=port, allow_hosts=allow_host or ()))
