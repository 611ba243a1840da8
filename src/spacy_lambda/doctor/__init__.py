"""Checks of this machine and of the AWS account, before the first command needs them: ``spacy-lambda doctor``.

::

    machine, installed, tools, account ──examination──▶ Examination: the findings, and the stages that they block

Every check returns findings and raises nothing; checks run at the same time, and one that does not answer is reported.
Modules import optional libraries in their checks: the base install suffices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spacy_lambda.extras import lazy_imports

if TYPE_CHECKING:
    from spacy_lambda.doctor.examination import Examination, examine
    from spacy_lambda.doctor.finding import STAGES, Finding, Stage

__all__ = ["STAGES", "Examination", "Finding", "Stage", "examine"]

_LAZY_IMPORTS = {
    "STAGES": "spacy_lambda.doctor.finding",
    "Examination": "spacy_lambda.doctor.examination",
    "Finding": "spacy_lambda.doctor.finding",
    "Stage": "spacy_lambda.doctor.finding",
    "examine": "spacy_lambda.doctor.examination",
}
"""Modules of the public names; every command imports this package for its stages."""

__getattr__ = lazy_imports(__name__, _LAZY_IMPORTS)
