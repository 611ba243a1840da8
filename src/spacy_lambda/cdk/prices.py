"""List prices of us-east-1 in US dollars, without the free tier: the only place with prices.

Other regions differ by some percent.

Sources: https://aws.amazon.com/lambda/pricing, https://aws.amazon.com/cloudwatch/pricing,
https://aws.amazon.com/s3/pricing, https://aws.amazon.com/ecr/pricing, https://aws.amazon.com/efs/pricing,
https://aws.amazon.com/step-functions/pricing, https://aws.amazon.com/sqs/pricing, https://aws.amazon.com/xray/pricing.
"""

from __future__ import annotations

__all__ = [
    "ALARM",
    "AS_OF",
    "DASHBOARD",
    "ECR_GB",
    "EFS_GB",
    "GB_SECOND",
    "LOG_GB",
    "METRIC",
    "MILLION_REQUESTS",
    "MILLION_SQS_REQUESTS",
    "MILLION_TRACES",
    "MILLION_TRANSITIONS",
    "REGION",
    "S3_GB",
    "SNAPSHOT_GB_SECOND",
]

REGION = "us-east-1"
AS_OF = "2026"
"""Date of these prices."""

GB_SECOND = {"x86_64": 0.0000166667, "arm64": 0.0000133334}
MILLION_REQUESTS = 0.20
MILLION_SQS_REQUESTS = 0.40
MILLION_TRACES = 5.00
MILLION_TRANSITIONS = 25.00
"""Of standard workflows. Express ones, which are not used here, are charged by requests and duration instead."""

SNAPSHOT_GB_SECOND = 0.0000015046
ALARM = 0.10
DASHBOARD = 3.00
METRIC = 0.30
"""A custom metric, for a month in which it is emitted in every hour."""

LOG_GB = 0.50
"""A GB of logs, as CloudWatch ingests it."""

S3_GB = 0.023
ECR_GB = 0.10
EFS_GB = 0.30
