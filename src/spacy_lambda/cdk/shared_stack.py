"""Stack of the resources that the functions of a project share."""

from __future__ import annotations

from aws_cdk import Environment, Stack
from constructs import Construct

from .bucket import ArtifactBucket
from .repository import ImageRepository
from .spec import SharedSpec
from .strings import check_strings
from .tags import add_tags

__all__ = ["SharedStack"]


class SharedStack(Stack):
    """The artifact bucket, and a repository for each function that has an image.

    :param scope: The app.
    :param id: Id of the stack within the app.
    :param spec: Names of the bucket and the repositories.
    :param env: Account and region.
    """

    def __init__(self, scope: Construct, id: str, spec: SharedSpec, *, env: Environment | None = None) -> None:
        check_strings(spec)
        super().__init__(scope, id, env=env, description=f"Resources shared by the functions of {spec.project}")
        ArtifactBucket(self, "Artifacts", spec)
        for name in spec.repositories:
            ImageRepository(self, f"Images-{name}", spec, name)
        add_tags(self, spec)
