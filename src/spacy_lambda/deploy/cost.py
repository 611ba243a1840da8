"""What a function costs, from list prices: an estimate that names what it assumes, not a bill.

Prices are those of us-east-1 in 2026, in US dollars, without the free tier. Other regions differ by some percent.
Sources: https://aws.amazon.com/lambda/pricing, https://aws.amazon.com/cloudwatch/pricing,
https://aws.amazon.com/s3/pricing, https://aws.amazon.com/ecr/pricing, https://aws.amazon.com/efs/pricing.
"""

from __future__ import annotations

from dataclasses import dataclass

from spacy_lambda.deploy.spec import FunctionSpec, ImageCode

__all__ = ["Cost", "estimate"]

GB_SECOND = {"x86_64": 0.0000166667, "arm64": 0.0000133334}
MILLION_REQUESTS = 0.20
SNAPSHOT_GB_SECOND = 0.0000015046
ALARM = 0.10
DASHBOARD = 3.00
S3_GB = 0.023
ECR_GB = 0.10
EFS_GB = 0.30
MONTH_S = 730 * 3600
GB = 1e9


@dataclass(frozen=True)
class Cost:
    """US dollars.

    :param idle: A month in which nobody calls, by what it is for.
    :param million: A million texts, each in a request of its own.
    :param ms_per_text: What that assumes.
    """

    idle: dict[str, float]
    million: float
    ms_per_text: float

    @property
    def idle_total(self) -> float:
        """A month in which nobody calls."""
        return sum(self.idle.values())


def estimate(spec: FunctionSpec, *, code_bytes: int, model_bytes: int, versions: int, ms_per_text: float) -> Cost:
    """Estimate what a function costs.

    :param code_bytes: Of the zip or the image, for each version.
    :param model_bytes: Of the pipeline's artifact.
    :param versions: That are kept.
    :param ms_per_text: How long one text takes.
    """
    is_image = isinstance(spec.code, ImageCode)
    memory_gb = spec.memory / 1024
    idle = {
        "alarms": ALARM * (5 if spec.metrics and not spec.snapstart else 4),
        "dashboard": DASHBOARD,
        "code": versions * code_bytes / GB * (ECR_GB if is_image else S3_GB),
        "models": versions * model_bytes / GB * S3_GB,
    }
    if spec.snapstart:
        idle["snapshots"] = versions * memory_gb * SNAPSHOT_GB_SECOND * MONTH_S
    if isinstance(spec.code, ImageCode) and spec.code.efs:
        idle["EFS"] = versions * model_bytes / GB * EFS_GB
    seconds = 1e6 * ms_per_text / 1000
    return Cost(idle, MILLION_REQUESTS + seconds * memory_gb * GB_SECOND[spec.architecture], ms_per_text)
