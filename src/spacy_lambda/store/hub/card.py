"""A pipeline's ``meta.json`` -> its model card, with metadata for the Hub.

Tags, tasks and metrics are named as spacy-huggingface-hub names them (https://github.com/explosion/spacy-huggingface-hub),
so that the Hub displays these pipelines like all others; the format is
https://huggingface.co/docs/hub/model-cards.
"""

from __future__ import annotations

import re
from typing import Any

from spacy_lambda.core.compiled_meta import META_KEY
from spacy_lambda.pipeline.kind import PipelineKind

__all__ = ["model_card"]

TASK_OF = {
    "morphologizer": "token-classification",
    "ner": "token-classification",
    "tagger": "token-classification",
    "textcat": "text-classification",
    "textcat_multilabel": "text-classification",
}
TOKENS, TEXTS = "token-classification", "text-classification"
# Each task's name and type; each metric's name, type and key in spaCy's scores.
SCORES = (
    (
        "NER",
        TOKENS,
        (
            ("NER Precision", "precision", "ents_p"),
            ("NER Recall", "recall", "ents_r"),
            ("NER F Score", "f_score", "ents_f"),
        ),
    ),
    ("TAG", TOKENS, (("TAG (XPOS) Accuracy", "accuracy", "tag_acc"),)),
    ("POS", TOKENS, (("POS (UPOS) Accuracy", "accuracy", "pos_acc"),)),
    ("MORPH", TOKENS, (("Morph (UFeats) Accuracy", "accuracy", "morph_acc"),)),
    ("LEMMA", TOKENS, (("Lemma Accuracy", "accuracy", "lemma_acc"),)),
    ("UNLABELED_DEPENDENCIES", TOKENS, (("Unlabeled Attachment Score (UAS)", "f_score", "dep_uas"),)),
    ("LABELED_DEPENDENCIES", TOKENS, (("Labeled Attachment Score (LAS)", "f_score", "dep_las"),)),
    ("SENTS", TOKENS, (("Sentences F-Score", "f_score", "sents_f"),)),
    ("SPANCAT", TOKENS, (("Spans F Score", "f_score", "spans_sc_f"),)),
    ("TEXTCAT", TEXTS, (("Text Classification Score", "f_score", "cats_score"),)),
)

MAX_TEXT = 100
"""Characters of a value in a sentence or a table."""

MARKDOWN_CHARACTERS = re.compile(r"[\\`*\[\]()#|!>~]")

FIGURES = ("agreement", "gold_original", "gold_compiled")
"""Keys of a component's verification."""


def model_card(
    meta: dict[str, Any],
    *,
    repository: str,
    wheel_url: str,
    sha256: str,
    compiled: dict[str, Any],
    readme: str | None,
    kind: PipelineKind,
) -> str:
    """Return the card in Markdown. Of all values, only the description and the readme may contain markup.

    :param meta: Of the pipeline that the repository's root holds.
    :param repository: ``OWNER/NAME``.
    :param wheel_url: The wheel's address, for pip.
    :param sha256: Identity of the artifact that functions load.
    :param compiled: The ``meta.json`` of the pipeline that functions load; the same where there is only one.
    :param readme: The pipeline's own text; by default spaCy's table of labels and scores.
    :param kind: Of the pipeline that functions load; they do not run an ``original``.
    """
    import yaml
    from spacy.cli.package import generate_readme

    name = f"{meta['lang']}_{meta['name']}"
    head = yaml.safe_dump(_metadata(meta, name, is_onnx=META_KEY in compiled), sort_keys=False, allow_unicode=True)
    body = readme or generate_readme(meta)
    return f"---\n{head}---\n{body.strip()}\n\n{_usage(name, repository, wheel_url, sha256, compiled, kind)}"


def _metadata(meta: dict[str, Any], name: str, *, is_onnx: bool) -> dict[str, Any]:
    components = meta.get("components") or meta.get("pipeline") or []
    tasks = dict.fromkeys(TASK_OF[component] for component in components if component in TASK_OF)
    licence = str(meta.get("license") or "").replace(" ", "-").lower().replace("gnu-", "")
    metadata: dict[str, Any] = {
        "tags": ["spacy", *tasks, *(["onnx", "spacy-lambda"] if is_onnx else [])],
        "language": ["multilingual" if meta["lang"] == "xx" else meta["lang"]],
        "license": licence,
        "library_name": "spacy",
        "model-index": [{"name": name, "results": list(_results(meta.get("performance") or {}))}],
    }
    return {key: value for key, value in metadata.items() if value}


def _results(scores: dict[str, Any]) -> list[dict[str, Any]]:
    results = []
    for task, kind, metrics in SCORES:
        found = [
            {"name": name, "type": metric, "value": scores[key]}
            for name, metric, key in metrics
            if isinstance(scores.get(key), int | float)
        ]
        if found:
            results.append({"task": {"name": task, "type": kind}, "metrics": found})
    return results


def _usage(
    name: str, repository: str, wheel_url: str, sha256: str, compiled: dict[str, Any], kind: PipelineKind
) -> str:
    location = f"hf://{repository}#sha256={sha256}"
    lines = ["## Use\n", f"In Python: `pip install {wheel_url}`, then `spacy.load({name!r})`.\n"]
    if kind is PipelineKind.ORIGINAL:
        lines.append("It needs torch. For AWS Lambda, without torch, compile it:\n")
        lines.append(f"```bash\nspacy-lambda pull {location} original\nspacy-lambda compile original compiled\n```")
    else:
        lines.append("On AWS Lambda, or on a laptop behind Lambda's protocols, without torch:\n")
        lines.append(f"```bash\nspacy-lambda serve {location}\n```")
    block = compiled.get(META_KEY) or {}
    if block.get("precision") is not None:
        lines += [
            "\n## Compiled\n",
            f"The ONNX encoder is {_plain(block['precision'])}, compiled from {_source(block)}.",
        ]
    if block.get("verification"):
        lines += _verification(block["verification"])
    return "\n".join(lines) + "\n"


def _verification(report: dict[str, Any]) -> list[str]:
    same, texts = report["identical_documents"], report["documents"]
    names = [part["component"] for part in report["components"]]
    return [
        f"Of {texts:d} texts, {same:d} got exactly the original's annotations.",
        "\n| component | agreement F1 | gold F1, original | gold F1, compiled |",
        "| --- | ---: | ---: | ---: |",
        *(
            f"| {_plain(_compared(part, names))} | " + " | ".join(_figure(part.get(key)) for key in FIGURES) + " |"
            for part in report["components"]
        ),
    ]


def _compared(part: dict[str, Any], names: list[str]) -> str:
    """Return a component's name, with the annotation if several of it were compared."""
    name = str(part["component"])
    return f"{name}: {part.get('says', '')}" if names.count(name) > 1 else name


def _source(block: dict[str, Any]) -> str:
    values = (_plain(block.get(key, "")) for key in ("source_name", "source_version"))
    return f"{' '.join(values)} (SHA-256 {_plain(block.get('source_sha256', ''))[:12]}…)"


def _plain(value: object) -> str:
    """Return a short text with Markdown and HTML escaped."""
    words = " ".join(str(value).split())[:MAX_TEXT]
    return MARKDOWN_CHARACTERS.sub(lambda match: f"\\{match[0]}", words).replace("<", "&lt;")


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
