"""The name by which spaCy finds the component.

spaCy imports every registered factory whenever it makes a pipeline: this one imports the component when it is called.
"""

from __future__ import annotations

from spacy.language import Language

from spacy_lambda.runtime.encoder_output import TRF_DATA
from spacy_lambda.runtime.transformer import CompiledTransformer

__all__ = ["FACTORY", "make_onnx_curated_transformer"]

FACTORY = "onnx_curated_transformer_v1"


@Language.factory(
    FACTORY,
    assigns=[f"doc._.{TRF_DATA}"],
    default_config={"window": 128, "stride": 96, "max_length": 512, "width": 768, "all_layer_outputs": False},
)
def make_onnx_curated_transformer(
    nlp: Language, name: str, window: int, stride: int, max_length: int, width: int, all_layer_outputs: bool
) -> CompiledTransformer:
    """Construct the component; spaCy calls this by its registered name.

    :param window: Wordpieces in a window.
    :param stride: Wordpieces from one window to the next.
    :param max_length: Wordpieces the encoder takes at most; a longer window is an error, as in the original.
    :param width: Columns of the hidden states.
    :param all_layer_outputs: Give the listeners all layers, embeddings first, rather than the last one.
    """
    from spacy_lambda.runtime.curated.component import OnnxCuratedTransformer

    return OnnxCuratedTransformer(
        nlp.vocab,
        name,
        window=window,
        stride=stride,
        max_length=max_length,
        width=width,
        all_layer_outputs=all_layer_outputs,
    )
