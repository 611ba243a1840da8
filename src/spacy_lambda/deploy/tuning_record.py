"""Record of a tuning, by which a function is restored even if the process that changed it was killed.

The memory of ``$LATEST`` is written into a tag of the function before it changes, and a version of a tuning has a
description of its own. :func:`restore_tuned` undoes both and then removes the tag; `tune` and `deploy` call it first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from spacy_lambda.aws.errors import aws_errors
from spacy_lambda.cdk.aws_names import OWN_TAG_PREFIX
from spacy_lambda.deploy.aws import AwsAccount
from spacy_lambda.deploy.versions import list_versions
from spacy_lambda.errors import DeployError

__all__ = [
    "TUNING_TAG",
    "TuningRecord",
    "find_tuning",
    "record_tuning",
    "restore_tuned",
    "set_memory",
    "tuned_description",
]

TUNING_TAG = f"{OWN_TAG_PREFIX}tuning"
DESCRIPTION = "spacy-lambda tune, "


@dataclass(frozen=True)
class TuningRecord:
    """A tuning that has not ended.

    :param arn: The function.
    :param memory_mb: Its memory before.
    :param now_mb: Its memory now.
    :param least_mb: The smallest memory size that is set for measuring.
    :param most_mb: The largest one.
    """

    arn: str
    memory_mb: int
    now_mb: int
    least_mb: int
    most_mb: int

    @property
    def is_changed(self) -> bool:
        """The memory is one that was set for measuring, rather than by someone else since."""
        return self.now_mb != self.memory_mb and self.least_mb <= self.now_mb <= self.most_mb

    def __str__(self) -> str:
        return f"tune was interrupted; $LATEST has {self.now_mb:,} MB instead of {self.memory_mb:,} MB"


def tuned_description(size: int) -> str:
    """Return the description of a version that is published for measuring."""
    return f"{DESCRIPTION}{size} MB"


def find_tuning(client: Any, function: str) -> TuningRecord | None:
    """Return the record of a tuning that has not ended; ``None`` if there is none, or no function.

    :raises DeployError: If AWS refuses, or the tag is not one of `tune`.
    """
    with aws_errors(f"reading {function}"):
        try:
            found = client.get_function(FunctionName=function)
        except client.exceptions.ResourceNotFoundException:
            return None
    value = (found.get("Tags") or {}).get(TUNING_TAG)
    if value is None:
        return None
    arn = str(found["Configuration"]["FunctionArn"])
    try:
        memory, least, most = map(int, value.split(" "))
    except ValueError as exc:
        raise DeployError(
            f"the tag {TUNING_TAG} of {function} is {value!r}, which `spacy-lambda tune` did not write",
            remedy=f"set the function's memory, and remove the tag: aws lambda untag-resource --resource {arn}"
            f" --tag-keys {TUNING_TAG} --region {arn.split(':')[3]}",
        ) from exc
    return TuningRecord(arn, memory, int(found["Configuration"]["MemorySize"]), least, most)


def record_tuning(client: Any, function: str, sizes: Sequence[int]) -> None:
    """Record the memory of ``$LATEST`` before it changes.

    :param sizes: All memory sizes that will be set.
    """
    with aws_errors(f"recording the memory of {function} in its tag {TUNING_TAG}"):
        found = client.get_function_configuration(FunctionName=function)
        value = f"{found['MemorySize']} {min(sizes)} {max(sizes)}"
        client.tag_resource(Resource=found["FunctionArn"], Tags={TUNING_TAG: value})


def restore_tuned(aws: AwsAccount, function: str, *, on_line: Callable[[str], None]) -> None:
    """Restore the memory of ``$LATEST``, delete the versions of a tuning, and remove its record, if there is one.

    It can be interrupted: the record is removed last.

    :raises DeployError: If AWS refuses.
    """
    client = aws.client("lambda")
    found = find_tuning(client, function)
    if found is None:
        return
    if found.is_changed:
        on_line(f"{function}: restoring {found.memory_mb:,} MB")
        set_memory(client, function, found.memory_mb)
    for version in list_versions(aws, function):
        if version.description.startswith(DESCRIPTION):
            with aws_errors(f"deleting version {version.number} of {function}"):
                client.delete_function(FunctionName=function, Qualifier=str(version.number))
    with aws_errors(f"removing the tag {TUNING_TAG} of {function}"):
        client.untag_resource(Resource=found.arn, TagKeys=[TUNING_TAG])


def set_memory(client: Any, function: str, memory_mb: int) -> None:
    """Set the memory of ``$LATEST``, and wait until it is in force."""
    with aws_errors(f"setting the memory of {function} to {memory_mb} MB"):
        waiter = client.get_waiter("function_updated_v2")
        # An update that a killed process began may still be in progress.
        waiter.wait(FunctionName=function, WaiterConfig={"Delay": 1})
        client.update_function_configuration(FunctionName=function, MemorySize=memory_mb)
        waiter.wait(FunctionName=function, WaiterConfig={"Delay": 1})
