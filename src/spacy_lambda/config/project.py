"""Contents of ``spacy-lambda.toml``, complete and validated: the input of every stage of a deployment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from spacy_lambda.cdk.settings import PUBLIC_CONCURRENCY, Auth, Canary, Concurrency, FunctionConfig, Shape
from spacy_lambda.cdk.source_settings import SourceConfig

__all__ = ["PUBLIC_CONCURRENCY", "Auth", "Canary", "Concurrency", "FunctionConfig", "Project", "Shape", "SourceConfig"]


@dataclass(frozen=True, kw_only=True)
class Project:
    """Contents of one file: the keys of ``[project]``, and its functions.

    :param name: Prefix of the names of stacks, functions and the bucket.
    :param region: AWS region of all resources; required here, by --region or by AWS_REGION.
    :param account: The only account to deploy to; by default the account of the credentials.
    :param tags: Tags of every resource, in addition to spacy-lambda's.
    :param functions: In the file's order.
    :param folder: Folder of the file.
    """

    name: str
    region: str
    account: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    functions: tuple[FunctionConfig, ...]
    folder: Path
