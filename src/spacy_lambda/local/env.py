"""The environment variables of an execution environment: Lambda's, the function's, and few others."""

from __future__ import annotations

import os
import uuid
from datetime import UTC, datetime

from spacy_lambda.core.env_names import (
    AWS_REGION_VARIABLES,
    FUNCTION_NAME_VARIABLE,
    HANDLER_VARIABLE,
    INITIALIZATION_TYPE_VARIABLE,
    LOG_FORMAT_VARIABLE,
    LOG_LEVEL_VARIABLE,
    MEMORY_SIZE_VARIABLE,
    RUNTIME_API_VARIABLE,
    TASK_ROOT_VARIABLE,
)
from spacy_lambda.core.lambda_function import log_group_name
from spacy_lambda.core.loopback import LOCAL_REGION
from spacy_lambda.local.settings import FunctionSettings, Program

_PASSED_ON = "OPENBLAS_"

LAMBDA_PATH = "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"


def environment_variables(settings: FunctionSettings, *, program: Program, runtime_api: str) -> dict[str, str]:
    """Return the environment variables of one environment.

    Of this process's own variables only ``OPENBLAS_*`` and those that reach the pipeline's store are passed on, so that
    nothing works here by accident. The function's own variables override those, but not Lambda's.

    :param runtime_api: ``host:port`` of this environment's Runtime API.
    """
    log_level = {LOG_LEVEL_VARIABLE: "INFO"} if settings.environment.get(LOG_FORMAT_VARIABLE) == "JSON" else {}
    passed_on = {key: value for key, value in os.environ.items() if key.startswith(_PASSED_ON)}
    return {
        "LANG": "en_US.UTF-8",
        "PATH": LAMBDA_PATH,
        "TZ": ":UTC",
        **passed_on,
        **program.variables,
        **log_level,
        **settings.environment,
        **dict.fromkeys(AWS_REGION_VARIABLES, LOCAL_REGION),
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{program.python}",
        MEMORY_SIZE_VARIABLE: str(settings.memory_mb),
        FUNCTION_NAME_VARIABLE: settings.name,
        "AWS_LAMBDA_FUNCTION_VERSION": settings.version,
        **_start_variables(settings),
        RUNTIME_API_VARIABLE: runtime_api,
        "LAMBDA_RUNTIME_DIR": str(program.runtime_dir),
        TASK_ROOT_VARIABLE: str(program.task_root),
        HANDLER_VARIABLE: settings.handler,
        **program.fixed,
    }


def _start_variables(settings: FunctionSettings) -> dict[str, str]:
    """Return the variables of the kind of start; a snapshot belongs to no log stream."""
    if settings.snap_start:
        return {INITIALIZATION_TYPE_VARIABLE: "snap-start"}
    return {
        INITIALIZATION_TYPE_VARIABLE: "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": log_group_name(settings.name),
        "AWS_LAMBDA_LOG_STREAM_NAME": f"{datetime.now(UTC):%Y/%m/%d}/[{settings.version}]{uuid.uuid4().hex}",
    }
