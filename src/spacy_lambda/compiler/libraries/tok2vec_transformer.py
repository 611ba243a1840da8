"""``Tok2VecTransformer`` of spacy-transformers, which ``nlp.replace_listeners`` writes into configs too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spacy.vocab import Vocab
from thinc.api import Model

from spacy_lambda.compiler.libraries.private import PrivateTransformers
from spacy_lambda.runtime.tok2vec_transformer import pool_transformer
from spacy_lambda.runtime.transformer import CompiledTransformer

__all__ = ["TOK2VEC_MODELS", "Tok2VecTransformers"]

TOK2VEC_MODELS = tuple(f"spacy-transformers.Tok2VecTransformer.v{i}" for i in (1, 2, 3))
POOLING = "trfs2arrays"


class Tok2VecTransformers(PrivateTransformers):
    """Chains of a transformer and a pooling layer."""

    def is_section(self, section: Mapping[str, Any]) -> bool:
        """Return whether it names the architecture."""
        return section.get("@architectures") in TOK2VEC_MODELS

    def is_layer(self, layer: Model[Any, Any]) -> bool:
        """Return whether it is the whole chain, from the transformer to the pooling layer."""
        return bool(layer.layers) and layer.layers[-1].name == POOLING and any(map(_is_transformer, layer.walk()))

    def inner(self, layer: Model[Any, Any]) -> list[Model[Any, Any]]:
        """Return the layers before the pooling layer."""
        return [node for part in layer.layers[:-1] for node in part.walk()]

    def component(self, layer: Model[Any, Any], vocab: Vocab, name: str) -> Any:
        """Return a ``Transformer``."""
        from spacy_transformers.pipeline_component import Transformer

        return Transformer(vocab, next(filter(_is_transformer, layer.walk())), name=name)

    def compiled_layer(self, layer: Model[Any, Any], transformer: CompiledTransformer) -> Model[Any, Any]:
        """Return a chain with the same pooling layer."""
        pool = layer.layers[-1]
        found = pool_transformer(transformer, pool.layers[0], pool.attrs["grad_factor"])
        if layer.has_dim("nO"):
            found.set_dim("nO", layer.get_dim("nO"))
        return found

    def compiled_section(self, section: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return a section with the same pooling layer."""
        kept = {key: section[key] for key in ("pooling", "grad_factor") if key in section}
        return {"@architectures": "spacy_lambda.OnnxTok2VecTransformer.v1", **settings, **kept}


def _is_transformer(layer: Model[Any, Any]) -> bool:
    return type(layer).__name__ == "TransformerModel" and type(layer).__module__.startswith("spacy_transformers.")
