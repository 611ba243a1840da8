"""Configuration of a project: ``spacy-lambda.toml`` -> a complete and validated :class:`Project`.

:mod:`~spacy_lambda.config.load` describes the stages; ``create_project`` writes the first file.
"""

from __future__ import annotations

from spacy_lambda.config.load import load_project
from spacy_lambda.config.project import FunctionConfig, Project
from spacy_lambda.config.scaffold import create_project

__all__ = ["FunctionConfig", "Project", "create_project", "load_project"]
