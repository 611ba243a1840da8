"""Changes of moto's Step Functions for tests: those of rehearsals, and no waiting."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from spacy_lambda.rehearsal.moto_step_functions import moto_definition, running_map_runs

__all__ = ["change_step_functions", "moto_definition"]


def change_step_functions(patch: pytest.MonkeyPatch) -> None:
    """Make the changes: no waiting before a retry, and map runs of executions that have just begun."""
    patch.setattr(StepFunctionsParserBackend, "list_map_runs", running_map_runs)
    patch.setattr(retrier_decl, "time", SimpleNamespace(sleep=lambda seconds: None))
