"""``spacy-lambda run-bundle``: a bundle in the local Lambda, with only itself on its path."""

from __future__ import annotations

import asyncio
import os
from contextlib import ExitStack
from typing import Annotated

import typer

from spacy_lambda.cli.numbers import finite
from spacy_lambda.cli.serve import PAGE, serve_until_stopped, variables
from spacy_lambda.core.lambda_function import DEFAULT_MEMORY_MB
from spacy_lambda.local.settings import FunctionSettings


def run_bundle(
    bundle: Annotated[str, typer.Argument(help="A zip, an image's folder, or an image: REGISTRY/NAME@sha256:...")],
    *,
    compare: Annotated[
        str | None, typer.Option(help="Another bundle; the page shows what the two say side by side.")
    ] = None,
    engine: Annotated[str | None, typer.Option(help="What runs an image: docker, podman, buildah or finch.")] = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 for a free one.")] = 9001,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="A name by which it may be reached, beside localhost and its addresses; repeatable."),
    ] = None,
    name: Annotated[str, typer.Option(help="The function's name.")] = "function",
    env: Annotated[
        list[str] | None, typer.Option(help="KEY=VALUE, an environment variable of the function; repeatable.")
    ] = None,
    timeout: Annotated[float, typer.Option(callback=finite, help="Seconds for one invocation.")] = 30.0,
    memory: Annotated[int, typer.Option(help="MB; told to the function, not enforced.")] = DEFAULT_MEMORY_MB,
    max_concurrency: Annotated[
        int | None,
        typer.Option(help="Environments at most; more requests wait.", show_default="number of CPUs"),
    ] = None,
) -> None:
    """Serve a bundle as Lambda would run it: a zip under the Python it is for, an image on a read-only root."""
    from spacy_lambda.local.bundle import open_bundle
    from spacy_lambda.local.routes import Deployment, side_by_side

    with ExitStack() as opened:

        def deployment(which: str) -> Deployment:
            runnable = opened.enter_context(open_bundle(which, engine=engine))
            settings = FunctionSettings(
                pipeline=which,
                name=name,
                handler=runnable.handler,
                environment=PAGE | variables(env or []),
                timeout_s=timeout,
                memory_mb=memory,
                max_concurrency=max_concurrency or os.cpu_count() or 1,
            )
            return Deployment(settings, runnable.program)

        functions = {"/": deployment(bundle)}
        if compare is not None:
            functions = side_by_side(functions["/"], deployment(compare))
        asyncio.run(serve_until_stopped(functions, host=host, port=port, allow_hosts=allow_host or ()))
