"""A pipeline's ``meta.json`` -> its model card, with metadata for the Hub.

Tags, tasks and metrics are named as spacy-huggingface-hub names them (https://github.com/explosion/spacy-huggingface-hub),
so that the Hub displays these pipelines like all others; the format is
https://huggingface.co/docs/hub/model-cards.
"""

from __future__ import annotations

from typing import Any

from spacy_lambda.core.compiled_meta import META_KEY
from spacy_lambda.pipeline.kind import PipelineKind
from spacy_lambda.pipeline_wheel.card import compiled_section

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
    about = compiled_section(compiled.get(META_KEY) or {})
    if about:
        lines += ["\n## Compiled\n", *about]
    return "\n".join(lines) + "\n"
