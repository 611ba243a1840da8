"""Parts of a Doc that a pipeline sets, and their labels, to be compared with those that are requested."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Self

from spacy_lambda.core.annotation import AnnotateOptions
from spacy_lambda.core.pipeline_meta import read_meta
from spacy_lambda.corpus.formats.registry import list_names
from spacy_lambda.errors import CorpusError
from spacy_lambda.pipeline.config_file import read_config

__all__ = ["UNKNOWN_PARTS", "PipelineParts"]

LABELLED = ("ents", "spans")
"""Parts of which only some labels may be kept."""

PARTS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("ner", "beam_ner", "entity_ruler", "future_entity_ruler"), ("ents",)),
    **dict.fromkeys(("spancat", "spancat_singlelabel", "span_finder"), ("spans",)),
    "span_ruler": ("ents", "spans"),
    **dict.fromkeys(("textcat", "textcat_multilabel"), ("cats",)),
    **dict.fromkeys(("parser", "beam_parser", "senter", "sentencizer"), ("sents",)),
    **dict.fromkeys(
        (
            *("transformer", "curated_transformer", "onnx_transformer_v1", "onnx_curated_transformer_v1", "tok2vec"),
            *("tagger", "morphologizer", "lemmatizer", "trainable_lemmatizer", "attribute_ruler", "entity_linker"),
            *("merge_entities", "merge_noun_chunks", "merge_subtokens", "token_splitter", "doc_cleaner", "nn_labeller"),
        ),
        (),
    ),
}
"""Parts that spaCy's components and ours declare to set, by factory, so that a run does not load the pipeline to check
its options. ``span_ruler`` sets entities if its config says so. Every component sets tokens."""


@dataclass(frozen=True, kw_only=True)
class PipelineParts:
    """The components of a pipeline.

    :param factories: Their factories by their names, in order.
    :param labels: Their labels by their names.
    """

    factories: Mapping[str, str]
    labels: Mapping[str, Sequence[str]]

    @classmethod
    def of_folder(cls, folder: Path) -> Self:
        """Return the components of a pipeline's folder.

        :raises InvalidPipelineError: If its config or its metadata are invalid.
        """
        config = read_config(folder)
        names = [name for name in config["nlp"].get("pipeline", []) if name not in config["nlp"].get("disabled", [])]
        factories = {name: str(config["components"][name].get("factory", name)) for name in names}
        return cls(factories=factories, labels=_labels(read_meta(folder / "meta.json").get("labels")))

    @classmethod
    def of_metadata(cls, metadata: Mapping[str, Any]) -> Self:
        """Return those of a function's metadata, which has no factories: names are taken for those of factories."""
        names = metadata.get("pipeline")
        found = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
        return cls(factories={name: name for name in found}, labels=_labels(metadata.get("labels")))

    def check(self, options: AnnotateOptions, on_warning: Callable[[str], object]) -> None:
        """Compare what is requested with what the components set.

        :param on_warning: Called with a description of parts that no component sets.
        :raises CorpusError: If entities or spans cannot have one of the labels.
        """
        self.check_labels(options.labels or ())
        if (missing := self.missing(options.include)) is not None:
            on_warning(missing)

    def check_labels(self, labels: Iterable[str]) -> None:
        """Check that entities or spans can have labels, unless a component may set others than those it lists.

        :raises CorpusError: If they cannot.
        """
        known: dict[str, None] = {}
        for name, factory in self.factories.items():
            if factory not in PARTS or (set(PARTS[factory]) & set(LABELLED) and not self.labels.get(name)):
                return
            if set(PARTS[factory]) & set(LABELLED):
                known |= dict.fromkeys(self.labels[name])
        unknown = [label for label in labels if label not in known]
        if unknown and self.factories:
            near = get_close_matches(unknown[0], known, n=1)
            raise CorpusError(
                f"the pipeline does not have the label {unknown[0]!r}; its labels of entities and spans:"
                f" {list_names(known)}",
                remedy=f"did you mean {near[0]!r}?" if near else "choose from these, or leave out --labels",
            )

    def missing(self, parts: Iterable[str]) -> str | None:
        """Return a description of the parts that no component sets, or ``None``."""
        if not self.factories or any(factory not in PARTS for factory in self.factories.values()):
            return None
        known = {"tokens", *(part for factory in self.factories.values() for part in PARTS[factory])}
        missing = [part for part in parts if part not in known]
        if not missing:
            return None
        return f"no component sets {', '.join(missing)}, which will be empty; components: {list_names(self.factories)}"


UNKNOWN_PARTS = PipelineParts(factories={}, labels={})
"""Nothing is known of the components, so that nothing is missing."""


def _labels(value: Any) -> dict[str, list[str]]:
    """Return labels by component, as far as they have the form of spaCy's ``meta.json``."""
    found = value.items() if isinstance(value, Mapping) else ()
    return {name: [label for label in labels if isinstance(label, str)] for name, labels in found if _is_list(labels)}


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)
