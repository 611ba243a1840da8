"""List prices of us-east-1 in 2026, in US dollars, without the free tier. Other regions differ by some percent.

Sources: https://aws.amazon.com/lambda/pricing, https://aws.amazon.com/cloudwatch/pricing,
https://aws.amazon.com/s3/pricing, https://aws.amazon.com/ecr/pricing, https://aws.amazon.com/efs/pricing,
https://aws.amazon.com/step-functions/pricing, https://aws.amazon.com/sqs/pricing.
"""

from __future__ import annotations

__all__ = [
    "ALARM",
    "DASHBOARD",
    "ECR_GB",
    "EFS_GB",
    "GB_SECOND",
    "MILLION_REQUESTS",
    "MILLION_SQS_REQUESTS",
    "MILLION_TRANSITIONS",
    "S3_GB",
    "SNAPSHOT_GB_SECOND",
]

GB_SECOND = {"x86_64": 0.0000166667, "arm64": 0.0000133334}
MILLION_REQUESTS = 0.20
MILLION_SQS_REQUESTS = 0.40
MILLION_TRANSITIONS = 25.00
SNAPSHOT_GB_SECOND = 0.0000015046
ALARM = 0.10
DASHBOARD = 3.00
S3_GB = 0.023
ECR_GB = 0.10
EFS_GB = 0.30
