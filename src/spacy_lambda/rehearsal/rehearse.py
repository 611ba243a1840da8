"""A rehearsal: an emulator in place of AWS, for one deployment or as long as it is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from spacy_lambda.cdk.spec import ImageCode
from spacy_lambda.config.precedence import ambient_region
from spacy_lambda.config.project import FunctionConfig, Project
from spacy_lambda.config.toml_file import WORK_FOLDER
from spacy_lambda.core.env_names import AWS_REGION_VARIABLES
from spacy_lambda.core.file_lock import LockHeld, file_lock
from spacy_lambda.core.location import parse_location
from spacy_lambda.core.loopback import LOCAL_REGION
from spacy_lambda.deploy.planning import Plan
from spacy_lambda.deploy.work_folder import make_work_folder
from spacy_lambda.errors import DeployError, SpacyLambdaError
from spacy_lambda.rehearsal.deployed_functions import DeployedFunctions
from spacy_lambda.rehearsal.emulator import ACCOUNT, Emulator, emulated_aws, log_to_emulator
from spacy_lambda.rehearsal.emulator_access import Access, access_file, kept_access, using
from spacy_lambda.rehearsal.expected_resources import make_expected_resources
from spacy_lambda.rehearsal.rehearsal_log import RehearsalLog

__all__ = ["Rehearsal", "kept_rehearsal", "refuse_images", "rehearsal", "with_default_region"]

LOCK_FILE = "rehearsal.lock"
LOG_FILE = "rehearsal.log"


@dataclass(frozen=True)
class Rehearsal:
    """A rehearsal that is running.

    :param access: Access to its emulator.
    :param expected: Resources that were made for it, because the project expects them.
    :param functions: Its functions; ``None`` if another command keeps the emulator.
    """

    access: Access
    expected: tuple[str, ...]
    functions: DeployedFunctions | None


def with_default_region(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return environment variables with a default region: that of the rehearsal that is kept, or any.

    It replaces that of ``AWS_REGION``, which belongs to credentials, and those are not used.

    :param folder: The folder of the project.
    """
    kept = kept_access(folder / WORK_FOLDER)
    if kept is not None:
        return {**environ, **dict.fromkeys(AWS_REGION_VARIABLES, kept.region)}
    return dict(environ) if ambient_region(environ) else {**environ, "AWS_DEFAULT_REGION": LOCAL_REGION}


@contextmanager
def rehearsal(project: Project, functions: Sequence[FunctionConfig], *, keep: bool = False) -> Iterator[Rehearsal]:
    """Let this process use an emulator in place of AWS: the one that is kept for this project, or a new one.

    :param functions: Those that will be deployed.
    :param keep: Let other commands find a new emulator, as long as the block runs.
    :raises DeployError: If a pipeline can only be fetched from AWS, another command keeps an emulator already, or that
        is of another region.
    """
    _refuse_pipelines_in_aws(functions)
    kept = _kept(project)
    if kept is not None:
        if keep:
            raise _served_already(f"at {kept.endpoint}")
        with using(kept):
            yield Rehearsal(kept, make_expected_resources(kept, functions), None)
        return
    folder = make_work_folder(project.folder)
    account = project.account or ACCOUNT
    with ExitStack() as opened:
        if keep:
            _lock(folder, opened)
        log = RehearsalLog(folder / LOG_FILE, log_to_emulator(account, project.region))
        deployed = opened.enter_context(DeployedFunctions(log.add))
        emulator = opened.enter_context(
            emulated_aws(deployed.run, region=project.region, account=account, find_url=deployed.find_url)
        )
        if keep:
            opened.enter_context(access_file(folder, emulator.access))
        with _faults_explained(emulator), log.kept_on_failure():
            yield Rehearsal(emulator.access, make_expected_resources(emulator.access, functions), deployed)


def refuse_images(plan: Plan) -> None:
    """Refuse a plan with images: the emulator stores none, and nothing may be pushed to AWS's registry.

    :raises DeployError: If there is one.
    """
    for planned in plan.functions:
        if isinstance(planned.spec.code, ImageCode):
            name, reason = planned.spec.function_name, planned.prepared.bundle.reason
            raise DeployError(
                f"{name} is an image ({reason}), and a rehearsal deploys zips only",
                remedy="see its plan by `spacy-lambda deploy --plan --local`, and run the image itself by"
                " `spacy-lambda bundle PIPELINE image --shape image` and `spacy-lambda run-bundle image`",
            )


@contextmanager
def kept_rehearsal(project: Project) -> Iterator[None]:
    """Let this process use the emulator that ``deploy --local --serve`` keeps for a project.

    :raises DeployError: If there is none.
    """
    kept = _kept(project)
    if kept is None:
        raise DeployError(
            f"no rehearsal of {project.name} is served in {project.folder}",
            remedy="start one in another terminal: spacy-lambda deploy --local --serve",
        )
    with using(kept):
        yield


def _kept(project: Project) -> Access | None:
    """Return the access to the emulator that is kept for a project; ``None`` if there is none.

    :raises DeployError: If it is of another region, in which nothing would be found.
    """
    kept = kept_access(project.folder / WORK_FOLDER)
    if kept is not None and kept.region != project.region:
        raise DeployError(
            f"the rehearsal that is served emulates {kept.region}, and the project's region is {project.region}",
            remedy=f"pass --region {kept.region}, or end the rehearsal with Ctrl-C and serve one of {project.region}",
        )
    return kept


def _lock(folder: Path, opened: ExitStack) -> None:
    """Let no other command keep an emulator for the project."""
    try:
        opened.enter_context(file_lock(folder / LOCK_FILE))
    except LockHeld as exc:
        raise _served_already(f"or is about to be, by {exc}") from None


def _served_already(which: str) -> DeployError:
    return DeployError(
        f"a rehearsal of this project is served already, {which}",
        remedy="leave out --serve to deploy to that one, or end it with Ctrl-C first",
    )


def _refuse_pipelines_in_aws(functions: Sequence[FunctionConfig]) -> None:
    for function in functions:
        if parse_location(function.pipeline).scheme == "s3":
            raise DeployError(
                f"functions.{function.name}.pipeline is {function.pipeline}, and a rehearsal reads nothing from AWS",
                remedy=f'spacy-lambda pull {function.pipeline} ./pipeline, and write "./pipeline" as `pipeline`',
            )


@contextmanager
def _faults_explained(emulator: Emulator) -> Iterator[None]:
    """Add to an error what the emulator itself could not do."""
    try:
        yield
    except SpacyLambdaError as exc:
        if not emulator.faults:
            raise
        raise DeployError(
            f"{exc.message}\nthe emulator of AWS does not support everything: {emulator.faults[-1]}",
            remedy=exc.remedy,
        ) from exc
