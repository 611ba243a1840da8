"""Names of the metrics that a function emits: the runtime writes them, the dashboard and the alarms read them."""

from __future__ import annotations

__all__ = [
    "CHARACTERS",
    "CLIENT_ERRORS",
    "COLD_STARTS",
    "EMPTY_ANSWERS",
    "ENTITIES",
    "FUNCTION_DIMENSION",
    "INIT_DURATION",
    "MODEL_DIMENSION",
    "TEXTS",
    "TOKENS",
    "TRUNCATED_TEXTS",
    "entities_of",
]

FUNCTION_DIMENSION = "FunctionName"
"""The dimension of Lambda's own metrics too."""

MODEL_DIMENSION = "Model"

TEXTS = "Texts"
CHARACTERS = "Characters"
TOKENS = "Tokens"
ENTITIES = "Entities"
EMPTY_ANSWERS = "EmptyAnswers"
TRUNCATED_TEXTS = "TruncatedTexts"
CLIENT_ERRORS = "ClientErrors"
COLD_STARTS = "ColdStarts"
INIT_DURATION = "InitDuration"


def entities_of(label: str) -> str:
    """Return the name of the metric of one label's entities."""
    return f"{ENTITIES}.{label}"
