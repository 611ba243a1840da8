"""What a million texts cost elsewhere, by list prices and the same figures: Lambda Managed Instances, SageMaker
Serverless Inference, Inference Endpoints of Hugging Face, and a container on Fargate.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from spacy_lambda.core.lambda_function import Architecture
from spacy_lambda.core.vcpus import slowdown
from spacy_lambda.sizing.dollars import MILLION, MissingPrice, PriceLookup, Traffic
from spacy_lambda.sizing.figures import Figures

__all__ = [
    "Alternative",
    "alternatives",
    "container",
    "inference_endpoint",
    "managed_instances",
    "sagemaker_serverless",
]

INSTANCE_CPUS, INSTANCE_MB = 4, 8 * 1024
"""Of the instance whose price is known: ``c7i.xlarge`` and ``c7g.xlarge``."""

INSTANCES = 3
"""Environments that Lambda Managed Instances keep by default
(https://github.com/aws/agent-toolkit-for-aws, aws-lambda-managed-instances), each on an instance of its own."""

BUSY = 0.7
"""Share of the time that something that runs all the time is busy at most, so that calls do not queue."""

SAGEMAKER_MB = tuple(gb * 1024 for gb in range(1, 7))
"""Memory sizes of a serverless endpoint
(https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-create-config.html)."""

ENDPOINT_MB = 2 * 1024
"""Of the instance whose price is known, with one vCPU (https://huggingface.co/docs/inference-endpoints/support/pricing)."""

TASK_GB = (2, 3, 4, 5, 6, 7, 8)
"""Memory sizes of a Fargate task with one vCPU
(https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html)."""


@dataclass(frozen=True, kw_only=True)
class Alternative:
    """Another way to serve the same texts.

    :param name: Its name.
    :param usd: Dollars of a million texts.
    :param usd_month: Dollars of the texts of a month.
    :param ms: Milliseconds of a text.
    :param about: Its setting, in words.
    """

    name: str
    usd: float
    usd_month: float
    ms: float
    about: str


def managed_instances(
    figures: Figures, architecture: Architecture, traffic: Traffic, price: PriceLookup
) -> Alternative | None:
    """Return the cost on Lambda Managed Instances; ``None`` if no process fits into the memory.

    Python has a process for each concurrent request, with its own init and memory: as many fit into an instance as it
    has vCPUs, or as its memory holds.
    """
    fit = INSTANCE_CPUS if not figures.peak_mb else min(INSTANCE_CPUS, INSTANCE_MB // figures.peak_mb)
    if fit < 1:
        return None
    ms = _on_one_cpu(figures)
    instances = max(INSTANCES, math.ceil(traffic.load(ms) / (fit * BUSY)))
    hour = price(f"managed_instance_hour_{architecture}") * (1 + price("managed_instance_fee"))
    usd = price("million_requests") + instances * hour * traffic.hours_per_million
    return Alternative(
        name=f"Lambda Managed Instances, {architecture}",
        usd=usd,
        usd_month=traffic.monthly(usd),
        ms=ms,
        about=f"{instances} instances of {INSTANCE_CPUS} vCPUs, {fit} processes on each",
    )


def sagemaker_serverless(figures: Figures, traffic: Traffic, price: PriceLookup) -> Alternative | None:
    """Return the cost on SageMaker Serverless Inference, without data and cold starts; ``None`` if nothing fits.

    AWS gives no CPUs by memory for it: those of a Lambda function are assumed.
    """
    memory = next((size for size in SAGEMAKER_MB if figures.fits(size)), None)
    if memory is None:
        return None
    ms = figures.ms_at(memory)
    usd = MILLION * math.ceil(round(ms, 6)) / 1000 * memory / 1024 * price("sagemaker_gb_second")
    return Alternative(
        name="SageMaker Serverless Inference", usd=usd, usd_month=traffic.monthly(usd), ms=ms, about=f"{memory:,} MB"
    )


def inference_endpoint(figures: Figures, traffic: Traffic, price: PriceLookup) -> Alternative | None:
    """Return the cost of Inference Endpoints that do not scale to zero; ``None`` if the function does not fit."""
    if not figures.fits(ENDPOINT_MB):
        return None
    ms = _on_one_cpu(figures)
    instances = _machines_for(traffic.load(ms))
    usd = instances * price("inference_endpoint_hour") * traffic.hours_per_million
    return Alternative(
        name="Hugging Face Inference Endpoints",
        usd=usd,
        usd_month=traffic.monthly(usd),
        ms=ms,
        about=f"{instances} of 1 vCPU and 2 GB, all the time",
    )


def container(figures: Figures, architecture: Architecture, traffic: Traffic, price: PriceLookup) -> Alternative | None:
    """Return the cost of containers on Fargate that run all the time, without a load balancer."""
    memory = next((size for size in TASK_GB if figures.fits(size * 1024)), None)
    if memory is None:
        return None
    ms = _on_one_cpu(figures)
    tasks = _machines_for(traffic.load(ms))
    hour = price(f"fargate_vcpu_hour_{architecture}") + memory * price(f"fargate_gb_hour_{architecture}")
    usd = tasks * hour * traffic.hours_per_million
    return Alternative(
        name=f"containers on Fargate, {architecture}",
        usd=usd,
        usd_month=traffic.monthly(usd),
        ms=ms,
        about=f"{tasks} of 1 vCPU and {memory} GB, all the time",
    )


def alternatives(
    figures: Figures, architecture: Architecture, traffic: Traffic, price: PriceLookup
) -> list[Alternative]:
    """Return those whose prices are known and into which the function fits."""
    ways: tuple[Callable[[], Alternative | None], ...] = (
        lambda: managed_instances(figures, architecture, traffic, price),
        lambda: sagemaker_serverless(figures, traffic, price),
        lambda: inference_endpoint(figures, traffic, price),
        lambda: container(figures, architecture, traffic, price),
    )
    return [found for way in ways if (found := _priced(way)) is not None]


def _priced(way: Callable[[], Alternative | None]) -> Alternative | None:
    try:
        return way()
    except MissingPrice:
        return None


def _machines_for(load: float) -> int:
    """Return the number of machines, with one vCPU each, that a load keeps busy for at most their share of the time."""
    return max(1, math.ceil(load / BUSY))


def _on_one_cpu(figures: Figures) -> float:
    return figures.ms / slowdown(figures.cpus)
