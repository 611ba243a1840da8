"""The limits of the processes of one function's environments, as far as this system has them."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

from spacy_lambda.core.lambda_limits import OPEN_FILES
from spacy_lambda.core.vcpus import vcpus
from spacy_lambda.local.cpu_limit import CgroupParent, chosen_cpus, find_cgroup_parent
from spacy_lambda.local.file_system import inside, sandbox_options, why_unavailable
from spacy_lambda.local.settings import FunctionSettings, Program

__all__ = ["Confinement", "confine"]


@dataclass(frozen=True, kw_only=True)
class Confinement:
    """The limits of a function's processes.

    :param program: The program as a process in them sees it.
    :param share: The vCPUs; ``None`` for all.
    :param cgroups: The folder for cgroups that limit the share exactly.
    :param sandbox: The options of the sandbox; empty without one.
    :param missing: For each limit of Lambda that is not enforced here, one line.
    """

    program: Program
    share: float | None = None
    cgroups: CgroupParent | None = None
    sandbox: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    def process_options(self, number: int) -> tuple[str, ...]:
        """Return the supervisor's options for the open files and the CPUs of an environment.

        :param number: The number of the environment.
        """
        if self.share is None:
            return ()
        options = [f"files={OPEN_FILES}"]
        cpus = chosen_cpus(self.share, number)
        if cpus:
            options.append(f"cpus={','.join(map(str, cpus))}")
        if self.cgroups is not None:
            limits = self.cgroups.limits(self.share).items()
            options += [
                f"cgroup={self.cgroups.folder}",
                f"limits={','.join(f'{key}:{value}' for key, value in limits)}",
            ]
        return tuple(options)


def confine(settings: FunctionSettings, program: Program) -> Confinement:
    """Find out which limits this system has for a program."""
    if not settings.limits:
        return Confinement(program=program)
    image = None if program.limits is None else program.limits(settings)
    if image is not None:
        program = replace(program, command=image.command)
        if image.contained:
            return Confinement(program=program, missing=image.missing)
    if sys.platform != "linux":
        return Confinement(program=program, missing=("not limited on this system: memory, CPUs and the file system",))
    missing = [] if image is None else [*image.missing]
    share, cgroups = vcpus(settings.memory_mb), find_cgroup_parent()
    if cgroups is None and not share.is_integer():
        missing.append(f"only whole CPUs are limited, not {share:.2f} vCPUs: no cgroup can be made here")
    sandbox: tuple[str, ...] = ()
    if program.mounts:
        sandbox = sandbox_options(settings, program)
        reason = why_unavailable(sandbox)
        if reason is not None:
            sandbox = ()
            missing.append(f"the file system is not read-only, and /tmp has no quota: {reason}")
    return Confinement(
        program=inside(program) if sandbox else program,
        share=share,
        cgroups=cgroups,
        sandbox=sandbox,
        missing=tuple(missing),
    )
