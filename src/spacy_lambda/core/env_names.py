"""Names of the environment variables that spacy-lambda and its functions read."""

from __future__ import annotations

__all__ = [
    "ACCOUNT_VARIABLE",
    "AWS_REGION_VARIABLES",
    "BASE_PATH_VARIABLE",
    "CACHE_LIMIT_VARIABLE",
    "CACHE_VARIABLE",
    "CDK_VARIABLE",
    "COMPARE_VARIABLE",
    "CORS_VARIABLE",
    "CPUS_VARIABLE",
    "EXAMPLES_VARIABLE",
    "FUNCTION_NAME_VARIABLE",
    "HANDLER_VARIABLE",
    "INITIALIZATION_TYPE_VARIABLE",
    "LOG_FORMAT_VARIABLE",
    "LOG_LEVEL_VARIABLE",
    "MAX_TEXTS_VARIABLE",
    "MAX_TEXT_VARIABLE",
    "MAX_TOTAL_VARIABLE",
    "MEMORY_SIZE_VARIABLE",
    "METRICS_VARIABLE",
    "NOTES_VARIABLE",
    "OUTPUT_VARIABLE",
    "PAGE_VARIABLE",
    "PIPELINE_VARIABLE",
    "PREFIX",
    "PROJECT_VARIABLE",
    "REGION_VARIABLE",
    "RESERVED_BY_LAMBDA",
    "RUNTIME_API_VARIABLE",
    "TASK_ROOT_VARIABLE",
    "TRACEBACK_VARIABLE",
    "TRACE_ID_VARIABLE",
]

PREFIX = "SPACY_LAMBDA_"

# Of a function.
PIPELINE_VARIABLE = "SPACY_LAMBDA_PIPELINE"
"""The pipeline: a path, an installed package or a location."""

MAX_TEXT_VARIABLE = "SPACY_LAMBDA_MAX_TEXT"
"""Maximum characters of a text."""

MAX_TEXTS_VARIABLE = "SPACY_LAMBDA_MAX_TEXTS"
"""Maximum texts of a request."""

MAX_TOTAL_VARIABLE = "SPACY_LAMBDA_MAX_TOTAL"
"""Maximum characters of a request, all texts together."""

CACHE_VARIABLE = "SPACY_LAMBDA_CACHE"
"""Folder for fetched pipelines."""

CACHE_LIMIT_VARIABLE = "SPACY_LAMBDA_CACHE_LIMIT"
"""Maximum size of that folder, such as ``2GB``."""

OUTPUT_VARIABLE = "SPACY_LAMBDA_OUTPUT"
"""Destination of the predictions of asynchronous events; see :mod:`spacy_lambda.core.output_location`."""

CPUS_VARIABLE = "SPACY_LAMBDA_CPUS"
"""Maximum CPUs, a whole number; by default all that the process may use. In a deployed function they follow
from ``memory``, and ``environment`` refuses this variable."""

METRICS_VARIABLE = "SPACY_LAMBDA_METRICS"
"""Namespace of the CloudWatch metrics; without it, none are emitted."""

PAGE_VARIABLE = "SPACY_LAMBDA_PAGE"
"""``on``: ``GET /`` returns a page to try the pipeline."""

EXAMPLES_VARIABLE = "SPACY_LAMBDA_EXAMPLES"
"""Example texts of the page, as a JSON array of strings."""

NOTES_VARIABLE = "SPACY_LAMBDA_NOTES"
"""Intended use of the pipeline, for the page and ``info``; by default the ``notes`` of its ``meta.json``."""

COMPARE_VARIABLE = "SPACY_LAMBDA_COMPARE"
"""URL of another function's API, seen from the page: ``compare/``, ``../int8/`` or ``https://...``."""

BASE_PATH_VARIABLE = "SPACY_LAMBDA_BASE_PATH"
"""Path of the API as its callers see it, such as ``/ner``, where the events do not show it."""

CORS_VARIABLE = "SPACY_LAMBDA_CORS"
"""Origins whose pages may call the function."""

# Of the command line.
PROJECT_VARIABLE = "SPACY_LAMBDA_PROJECT"
REGION_VARIABLE = "SPACY_LAMBDA_REGION"
ACCOUNT_VARIABLE = "SPACY_LAMBDA_ACCOUNT"
CDK_VARIABLE = "SPACY_LAMBDA_CDK"
"""The ``cdk`` command to run."""

TRACEBACK_VARIABLE = "SPACY_LAMBDA_TRACEBACK"

# Of AWS.
AWS_REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")

# Of Lambda.
FUNCTION_NAME_VARIABLE = "AWS_LAMBDA_FUNCTION_NAME"
HANDLER_VARIABLE = "_HANDLER"
INITIALIZATION_TYPE_VARIABLE = "AWS_LAMBDA_INITIALIZATION_TYPE"
LOG_FORMAT_VARIABLE = "AWS_LAMBDA_LOG_FORMAT"
LOG_LEVEL_VARIABLE = "AWS_LAMBDA_LOG_LEVEL"
MEMORY_SIZE_VARIABLE = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"
RUNTIME_API_VARIABLE = "AWS_LAMBDA_RUNTIME_API"
TASK_ROOT_VARIABLE = "LAMBDA_TASK_ROOT"
TRACE_ID_VARIABLE = "_X_AMZN_TRACE_ID"

RESERVED_BY_LAMBDA = frozenset(
    {
        *AWS_REGION_VARIABLES,
        FUNCTION_NAME_VARIABLE,
        HANDLER_VARIABLE,
        INITIALIZATION_TYPE_VARIABLE,
        MEMORY_SIZE_VARIABLE,
        RUNTIME_API_VARIABLE,
        TASK_ROOT_VARIABLE,
        TRACE_ID_VARIABLE,
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_MAX_CONCURRENCY",
        "AWS_LAMBDA_METADATA_API",
        "AWS_LAMBDA_METADATA_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
    }
)
"""Names that a function's configuration cannot set; other names with ``AWS_`` can be set:
https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html."""
