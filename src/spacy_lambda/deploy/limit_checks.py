"""A prepared function against Lambda's limits, before AWS is changed, by what its preparation has measured."""

from __future__ import annotations

from dataclasses import replace

from spacy_lambda.bundler.build import Bundle
from spacy_lambda.config.project import FunctionConfig
from spacy_lambda.deploy.latency import Latency
from spacy_lambda.errors import DeployError
from spacy_lambda.sizing.check_options import CheckOptions
from spacy_lambda.sizing.checks import check_files
from spacy_lambda.sizing.figure_checks import check_duration, check_init, check_memory
from spacy_lambda.sizing.figures import Figures
from spacy_lambda.sizing.refused_settings import check_settings
from spacy_lambda.sizing.verdict import LimitFinding, Verdict

__all__ = ["check_limits", "require_limits"]


def check_limits(config: FunctionConfig, bundle: Bundle, latency: Latency) -> tuple[LimitFinding, ...]:
    """Check settings and files, and the init, the memory and the durations that were measured while it was bundled.

    Durations of this machine, which may be busy, only warn.
    """
    options = CheckOptions(
        memory_mb=config.memory,
        timeout_s=config.timeout,
        architecture=config.architecture,
        python=config.python,
        snapstart=config.snapstart,
        efs=config.shape == "image-efs",
    )
    figures = Figures(
        init_s=bundle.proof.load_s or 0.0,
        ms=latency.ms,
        peak_mb=bundle.proof.peak_mb,
        cpus=latency.cpus,
        source=latency.source,
    )
    timed = [check_init(figures, options), check_duration(figures, options)]
    softened = [replace(one, status="warning") if one.status == "fails" else one for one in timed]
    return (
        *check_settings(options),
        *check_files(bundle.path, options),
        *check_memory(figures, options),
        *softened,
    )


def require_limits(name: str, findings: tuple[LimitFinding, ...]) -> None:
    """Refuse a function that would fail on Lambda.

    :param name: Its name in the project.
    :raises DeployError: If it would; AWS has not changed.
    """
    failed = Verdict(findings).failed
    if failed:
        problems = "\n".join(f"  {one.name}: {one.detail}\n    {one.remedy}" for one in failed)
        raise DeployError(
            f"{name} would fail on Lambda; nothing was deployed:\n{problems}",
            remedy=f"{failed[0].remedy}; --no-check deploys without these checks",
        )
