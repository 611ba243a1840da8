"""Before and after a deployment: what would fail on Lambda, what it would cost, and which memory to take.

::

    PIPELINE | bundle ──measurement (local Lambda)──▶ Figures ──estimation──▶ CostEstimate ──plot──▶ SVG
           └──bundle_checks, figure_checks, refused_settings, payload──▶ Verdict

The costs are pure functions of figures, settings and the list prices (:mod:`spacy_lambda.cdk.prices`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spacy_lambda.extras import lazy_imports

if TYPE_CHECKING:
    from spacy_lambda.sizing.check_options import CheckOptions
    from spacy_lambda.sizing.checks import check
    from spacy_lambda.sizing.estimation import CostEstimate, EstimateOptions, estimate, estimate_cost
    from spacy_lambda.sizing.figures import Figures
    from spacy_lambda.sizing.measurement import measure
    from spacy_lambda.sizing.plot import plot_svg
    from spacy_lambda.sizing.texts import Texts, read_texts
    from spacy_lambda.sizing.verdict import LimitFinding, Verdict

__all__ = [
    "CheckOptions",
    "CostEstimate",
    "EstimateOptions",
    "Figures",
    "LimitFinding",
    "Texts",
    "Verdict",
    "check",
    "estimate",
    "estimate_cost",
    "measure",
    "plot_svg",
    "read_texts",
]

_LAZY_IMPORTS = {
    "CheckOptions": "spacy_lambda.sizing.check_options",
    "CostEstimate": "spacy_lambda.sizing.estimation",
    "EstimateOptions": "spacy_lambda.sizing.estimation",
    "Figures": "spacy_lambda.sizing.figures",
    "LimitFinding": "spacy_lambda.sizing.verdict",
    "Texts": "spacy_lambda.sizing.texts",
    "Verdict": "spacy_lambda.sizing.verdict",
    "check": "spacy_lambda.sizing.checks",
    "estimate": "spacy_lambda.sizing.estimation",
    "estimate_cost": "spacy_lambda.sizing.estimation",
    "measure": "spacy_lambda.sizing.measurement",
    "plot_svg": "spacy_lambda.sizing.plot",
    "read_texts": "spacy_lambda.sizing.texts",
}

__getattr__ = lazy_imports(__name__, _LAZY_IMPORTS)
