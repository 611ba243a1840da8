"""The environment variables of an execution environment: Lambda's, the function's, and little else."""

from __future__ import annotations

import os
import uuid
from datetime import UTC, datetime

from spacy_lambda.local.program import Program
from spacy_lambda.local.settings import REGION, VERSION, FunctionSettings

_PASSED_ON = "OPENBLAS_"
_LOG_FORMAT = "AWS_LAMBDA_LOG_FORMAT"


def environment_variables(settings: FunctionSettings, *, program: Program, runtime_api: str) -> dict[str, str]:
    """Everything that one environment gets to see.

    Of this process's own variables only ``PATH``, ``OPENBLAS_*`` and those that reach the pipeline's store are passed
    on, so that nothing works here by accident. The function's own variables win over those, not over Lambda's.

    :param runtime_api: ``host:port`` of this environment's Runtime API.
    """
    log_level = {"AWS_LAMBDA_LOG_LEVEL": "INFO"} if settings.environment.get(_LOG_FORMAT) == "JSON" else {}
    passed_on = {key: value for key, value in os.environ.items() if key.startswith(_PASSED_ON)}
    return {
        "LANG": "en_US.UTF-8",
        "PATH": os.environ.get("PATH", os.defpath),
        "TZ": ":UTC",
        **passed_on,
        **program.variables,
        **log_level,
        **settings.environment,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{program.python}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(settings.memory_mb),
        "AWS_LAMBDA_FUNCTION_NAME": settings.name,
        "AWS_LAMBDA_FUNCTION_VERSION": VERSION,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{settings.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": f"{datetime.now(UTC):%Y/%m/%d}/[{VERSION}]{uuid.uuid4().hex}",
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_REGION": REGION,
        "LAMBDA_RUNTIME_DIR": str(program.runtime_dir),
        "LAMBDA_TASK_ROOT": str(program.task_root),
        "_HANDLER": settings.handler,
        **program.fixed,
    }
