"""``spacy-lambda tune``: init and duration of a deployed function at several memory sizes, measured in AWS.

Each size is a version of its own, published from ``$LATEST`` and deleted again. The live alias does not move, and the
function's memory is what it was at the end; if the process is killed, the next `tune` or `deploy` restores it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from spacy_lambda.aws.errors import aws_errors
from spacy_lambda.cdk.aws_names import bucket_name, stack_name
from spacy_lambda.cdk.prices import RegionPrices
from spacy_lambda.cdk.spec import ALIAS
from spacy_lambda.client.invocation import Invocation
from spacy_lambda.client.lambda_api import invoke_function
from spacy_lambda.config.project import FunctionConfig, Project
from spacy_lambda.core.lambda_function import ARCHITECTURES, Architecture
from spacy_lambda.core.lambda_limits import MAX_MEMORY_MB, MB_PER_VCPU, NEW_ACCOUNT_MEMORY_MB
from spacy_lambda.core.progress import OnStep, no_progress
from spacy_lambda.core.vcpus import vcpus
from spacy_lambda.deploy.aws import AwsAccount
from spacy_lambda.deploy.lock import deployment_lock
from spacy_lambda.deploy.stacks import require_own, require_settled
from spacy_lambda.deploy.tuning_record import record_tuning, restore_tuned, set_memory, tuned_description
from spacy_lambda.deploy.versions import list_versions, wait_until_ready
from spacy_lambda.errors import DeployError
from spacy_lambda.sizing.dollars import FunctionSetting, Traffic, lambda_cost
from spacy_lambda.sizing.figures import Figures
from spacy_lambda.sizing.measurement import RUNS, measure_calls
from spacy_lambda.sizing.texts import BUILT_IN_TEXTS, Texts

__all__ = ["TUNED_SIZES", "MeasuredSize", "Tuning", "plan_tuning", "tune"]

TUNED_SIZES = (1024, MB_PER_VCPU, NEW_ACCOUNT_MEMORY_MB)
SNAPSHOT_S = 3 * 3600
"""Seconds for which a snapshot is paid for at least, also if its version is deleted sooner."""

INIT_S = 10.0
"""Seconds of an init in the maximum cost."""


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """What will be measured, before anything is done.

    :param function: The function's name in AWS.
    :param memory_mb: Its memory now.
    :param sizes: The memory sizes.
    :param architecture: Its architecture.
    :param snapstart: It has SnapStart.
    :param timeout_s: Its timeout.
    :param texts: The texts.
    :param usd: The maximum cost: every invocation takes as long as the timeout.
    :param assumed: Names of prices that are not known in the region, which are those of us-east-1.
    """

    function: str
    memory_mb: int
    sizes: tuple[int, ...]
    architecture: Architecture
    snapstart: bool
    timeout_s: int
    texts: Texts
    usd: float
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MeasuredSize:
    """One memory size.

    :param memory_mb: The memory.
    :param figures: The measured figures.
    :param usd: Dollars of a million texts.
    """

    memory_mb: int
    figures: Figures
    usd: float


def plan_tuning(
    project: Project,
    config: FunctionConfig,
    *,
    aws: AwsAccount,
    sizes: Sequence[int] = (),
    texts: Texts = BUILT_IN_TEXTS,
) -> Tuning:
    """Read the function, and compute what measuring it costs at most. Nothing changes.

    :param project: The project.
    :param config: The function in it.
    :param aws: The account and the region.
    :param sizes: Memory sizes; by default :data:`TUNED_SIZES` and the function's own.
    :param texts: Texts to invoke it with.
    :raises DeployError: If it is not deployed, its stack is another project's, or AWS refuses.
    """
    function = stack_name(project.name, config.name)
    require_own(aws, project.name, config.name)
    client = aws.client("lambda")
    with aws_errors(f"reading {function}"):
        try:
            found = client.get_function_configuration(FunctionName=function, Qualifier=ALIAS)
        except client.exceptions.ResourceNotFoundException as exc:
            raise DeployError(f"{function} has no live version", remedy="run `spacy-lambda deploy` first") from exc
    architecture = next(name for name in ARCHITECTURES if name in (found.get("Architectures") or ARCHITECTURES))
    memory, timeout = int(found["MemorySize"]), int(found["Timeout"])
    snapstart = (found.get("SnapStart") or {}).get("ApplyOn") == "PublishedVersions"
    chosen = tuple(sorted({*sizes} or {*TUNED_SIZES, memory}))
    calls, price = 1 + RUNS * len(texts.texts), RegionPrices(aws.region)
    cost = _maximum_usd(chosen, calls, timeout, architecture, price, snapstart=snapstart)
    return Tuning(
        function=function,
        memory_mb=memory,
        sizes=chosen,
        architecture=architecture,
        snapstart=snapstart,
        timeout_s=timeout,
        texts=texts,
        usd=cost,
        assumed=tuple(price.assumed),
    )


def tune(
    project: Project,
    config: FunctionConfig,
    tuning: Tuning,
    *,
    aws: AwsAccount,
    calls_per_hour: float = 100.0,
    on_line: Callable[[str], None] = lambda _: None,
    on_step: OnStep = no_progress,
) -> list[MeasuredSize]:
    """Measure each memory size on a version of its own, under the function's lock.

    :param project: The project.
    :param config: The function in it.
    :param tuning: The result of :func:`plan_tuning`.
    :param aws: The account and the region.
    :param calls_per_hour: Traffic of the cost.
    :param on_line: Called with each line that reports what is being done.
    :param on_step: Called with each step's name, the number of steps done, and their total.
    :raises DeployError: If AWS refuses; the function's memory is restored.
    :raises SizingError: If an invocation fails.
    """
    bucket = bucket_name(project.name, account=aws.account, region=aws.region)
    with deployment_lock(aws, bucket, config.name):
        require_settled(aws, tuning.function)
        with _restored(tuning, aws=aws, on_line=on_line) as before:
            return [
                _measured(
                    tuning,
                    size,
                    before=before,
                    aws=aws,
                    calls_per_hour=calls_per_hour,
                    on_line=on_line,
                    on_step=on_step,
                )
                for size in tuning.sizes
            ]


@contextmanager
def _restored(tuning: Tuning, *, aws: AwsAccount, on_line: Callable[[str], None]) -> Iterator[Collection[int]]:
    """Restore the function at the end, and before if an earlier process was killed. Yields the previous versions."""
    function = tuning.function
    restore_tuned(aws, function, on_line=on_line)
    record_tuning(aws.client("lambda"), function, [memory for size in tuning.sizes for memory in _settings(size)])
    try:
        yield {version.number for version in list_versions(aws, function)}
    finally:
        restore_tuned(aws, function, on_line=on_line)


def _measured(
    tuning: Tuning,
    size: int,
    *,
    before: Collection[int],
    aws: AwsAccount,
    calls_per_hour: float,
    on_line: Callable[[str], None],
    on_step: OnStep,
) -> MeasuredSize:
    client, function = aws.client("lambda"), tuning.function
    on_line(f"{function}: measuring {size:,} MB")
    version = _publish(client, function, size, before=before)
    wait_until_ready(aws, function, version)

    def invoke(event: Any) -> Invocation:
        payload = json.dumps(event, ensure_ascii=False).encode()
        return invoke_function(client, function, payload, qualifier=version, log_tail=True)

    figures = measure_calls(invoke, tuning.texts, cpus=vcpus(size), place="AWS", on_step=on_step)
    setting = FunctionSetting(size, tuning.architecture, "snapstart" if tuning.snapstart else "on-demand")
    parts = lambda_cost(figures, setting, Traffic(calls_per_hour), RegionPrices(aws.region))
    return MeasuredSize(memory_mb=size, figures=replace(figures, source=tuning.texts.source), usd=sum(parts.values()))


def _publish(client: Any, function: str, size: int, *, before: Collection[int]) -> str:
    """Publish a version with a memory size, and return its number.

    If the newest version has this size already, Lambda returns that one, whose environments may be warm: the new one
    gets 1 MB more.
    """
    for memory in _settings(size):
        set_memory(client, function, memory)
        with aws_errors(f"publishing a version of {function}"):
            version = str(client.publish_version(FunctionName=function, Description=tuned_description(size))["Version"])
        if int(version) not in before:
            break
    return version


def _settings(size: int) -> tuple[int, int]:
    """Return the values of the memory by which a size is measured: the second one if the first one is published."""
    return size, size + 1 if size < MAX_MEMORY_MB else size - 1


def _maximum_usd(
    sizes: Sequence[int], calls: int, timeout_s: int, architecture: str, price: RegionPrices, *, snapstart: bool
) -> float:
    gb = sum(sizes) / 1024
    seconds = calls * timeout_s + INIT_S
    cost = gb * seconds * price(f"gb_second_{architecture}")
    cost += calls * len(sizes) * price("million_requests") / 1e6
    if snapstart:
        cost += gb * (SNAPSHOT_S * price("snapshot_gb_second") + price("restored_gb"))
    return cost
