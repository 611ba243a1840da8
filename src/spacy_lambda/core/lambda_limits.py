"""Limits of AWS Lambda and of the services that call it.

Source, where no other is named: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html.
"""

from __future__ import annotations

__all__ = [
    "AGENT_RESPONSE_BYTES",
    "ALB_RESPONSE_BYTES",
    "ASYNC_REQUEST_BYTES",
    "DEFAULT_CONCURRENCY",
    "DIRECT_UPLOAD_BYTES",
    "ENVIRONMENT_BYTES",
    "EVENT_PATTERN_CHARACTERS",
    "FREE_EPHEMERAL_MB",
    "GATEWAY_TIMEOUT_S",
    "IMAGE_BYTES",
    "INIT_LIMIT_S",
    "LOG_TAIL_BYTES",
    "MAX_BATCHING_WINDOW_S",
    "MAX_BATCH_SIZE",
    "MAX_BATCH_WITHOUT_WINDOW",
    "MAX_EPHEMERAL_BYTES",
    "MAX_MAP_CONCURRENCY",
    "MAX_MEMORY_MB",
    "MAX_PARALLELIZATION",
    "MAX_QUEUE_CONCURRENCY",
    "MAX_RETRY_ATTEMPTS",
    "MAX_TIMEOUT_S",
    "MB_PER_VCPU",
    "MIN_MEMORY_MB",
    "MIN_QUEUE_CONCURRENCY",
    "NAME_CHARACTERS",
    "NEW_ACCOUNT_MEMORY_MB",
    "OPEN_FILES",
    "REQUEST_BYTES",
    "RESPONSE_BYTES",
    "UNRESERVED_CONCURRENCY",
    "UNZIPPED_BYTES",
    "VISIBILITY_TIMEOUT_FACTOR",
]

REQUEST_BYTES = 6 * 1024 * 1024
"""Bytes of an event of a synchronous invocation."""

RESPONSE_BYTES = REQUEST_BYTES + 100
"""Bytes of a response, as the error ``Function.ResponseSizeTooLarge`` and AWS's runtime interface emulator give them:
https://github.com/aws/aws-lambda-runtime-interface-emulator."""

ASYNC_REQUEST_BYTES = 1024 * 1024
"""Bytes of an event of an asynchronous invocation: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html."""

ALB_RESPONSE_BYTES = 1024 * 1024
"""Bytes that an Application Load Balancer accepts from a function:
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html."""

AGENT_RESPONSE_BYTES = 25_000
"""Bytes that an agent of Bedrock accepts from a function: https://docs.aws.amazon.com/general/latest/gr/bedrock.html."""

OPEN_FILES = 1024
"""Files that an execution environment may have open; as many processes and threads, which are not limited here."""

LOG_TAIL_BYTES = 4096
"""Bytes of the log that ``LogType=Tail`` returns: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html."""

UNZIPPED_BYTES = 250 * 1024 * 1024
"""Bytes of a zip and its layers, unzipped."""

DIRECT_UPLOAD_BYTES = 50 * 1024 * 1024
"""Bytes of a zip that Lambda's API takes; larger ones come from S3."""

IMAGE_BYTES = 10 * 1024**3
"""Bytes of an image."""

MIN_MEMORY_MB, MAX_MEMORY_MB = 128, 10_240

MB_PER_VCPU = 1769
"""Memory that comes with one vCPU: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html."""

MAX_TIMEOUT_S = 900

GATEWAY_TIMEOUT_S = 29
"""Default limit of API Gateway for a response; 30 seconds for HTTP APIs:
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html."""

INIT_LIMIT_S = 10.0
"""Seconds after which Lambda aborts an init, and repeats it within the first invocation's timeout:
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html."""

DEFAULT_CONCURRENCY = 1000
"""Concurrent executions of an account in a region; new accounts have fewer, until AWS raises them by usage."""

NEW_ACCOUNT_MEMORY_MB = 3008
"""Maximum memory of a function in accounts with such reduced quotas."""

UNRESERVED_CONCURRENCY = 100
"""Concurrency of the account that must stay for functions without reserved concurrency:
https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html."""

FREE_EPHEMERAL_MB = 512
"""Size of ``/tmp`` that every function has, and the largest with SnapStart:
https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html."""

MAX_EPHEMERAL_BYTES = 10 * 1024**3
"""Bytes of the largest ``/tmp``."""

ENVIRONMENT_BYTES = 4096
"""Bytes of the names and values of all environment variables together."""

NAME_CHARACTERS = 64
"""Characters of a function's name: https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html."""

MAX_BATCH_SIZE = 10_000
"""Messages or records of one invocation: https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html,
which also has the limits of batches, windows, parallelization and retries below."""

MAX_BATCH_WITHOUT_WINDOW = 10
"""Messages of one invocation from a FIFO queue, or from another queue without a batching window."""

MAX_BATCHING_WINDOW_S = 300

MAX_PARALLELIZATION = 10
"""Batches of one Kinesis shard that are processed at the same time."""

MAX_RETRY_ATTEMPTS = 10_000

MIN_QUEUE_CONCURRENCY, MAX_QUEUE_CONCURRENCY = 2, 1000
"""Maximum concurrency of an SQS event source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html."""

VISIBILITY_TIMEOUT_FACTOR = 6
"""Visibility timeout that AWS recommends for a queue, as a multiple of the function's timeout, to which the batching
window is added; less than one is refused: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html."""

EVENT_PATTERN_CHARACTERS = 2048
"""Characters of an EventBridge rule's pattern: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html."""

MAX_MAP_CONCURRENCY = 10_000
"""Concurrent items of a Distributed Map: https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html."""
