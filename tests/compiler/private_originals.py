"""Small original pipelines whose components have transformers of their own, or that have several transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language

from tests.compiler.curated_originals import build_curated
from tests.compiler.originals import ARCHITECTURES, save_transformer, train

__all__ = [
    "build_mixture",
    "build_private",
    "build_several",
    "build_tok2vec",
    "build_two_curated",
    "replace_all",
    "tok2vec_section",
]

ST = "spacy-transformers"


def replace_all(nlp: Language, *names: str) -> None:
    """Give components copies of the transformer that they listen to; without names, all, and none is left to share."""
    for name in names or [name for name in nlp.pipe_names if name != "transformer"]:
        nlp.replace_listeners("transformer", name, ["model.tok2vec"])
    if not names:
        nlp.remove_pipe("transformer")


def build_private(folder: Path, original: Path, *names: str) -> Path:
    """Write a pipeline in which components have copies of the transformer that they shared."""
    folder.mkdir(exist_ok=True)
    nlp = spacy.load(original)
    replace_all(nlp, *names)
    nlp.to_disk(folder / "original")
    return folder / "original"


def build_tok2vec(folder: Path, version: int, *, factory: str = "ner", **spans: Any) -> Path:
    """Train and write a component with ``Tok2VecTransformer``; ``tok2vec`` has a tagger that listens to it."""
    nlp = spacy.blank("xx")
    model = tok2vec_section(folder, version, **spans)
    if factory == "tok2vec":
        nlp.add_pipe("tok2vec", config={"model": model})
        nlp.add_pipe("tagger", config=_with_tok2vec("tagger", _cnn_listener(32)))
    else:
        nlp.add_pipe(factory, config=_with_tok2vec(factory, model))
    train(nlp)
    nlp.to_disk(folder / "original")
    return folder / "original"


def tok2vec_section(folder: Path, version: int, *, seed: int = 0, **spans: Any) -> dict[str, Any]:
    """Return the section of a transformer of a component's own."""
    section: dict[str, Any] = {
        "@architectures": f"{ST}.Tok2VecTransformer.v{version}",
        "name": str(save_transformer(ARCHITECTURES["bert"], folder / f"source{seed}", seed=seed)),
        "get_spans": {"@span_getters": f"{ST}.strided_spans.v1", "window": 24, "stride": 16} | spans,
        "tokenizer_config": {"use_fast": True},
        "pooling": {"@layers": "reduce_mean.v1"},
        "grad_factor": 1.0,
    }
    return section if version == 1 else {**section, "transformer_config": {}}


def build_several(folder: Path, *steps: tuple[str, dict[str, Any]]) -> Path:
    """Train and write a pipeline.

    :param steps: Each component's factory and settings. Of a ``transformer`` they are its name and the seed of its
        weights; of another component ``upstream``, or ``cnn`` for a listener to the CNN.
    """
    nlp = spacy.blank("xx")
    for factory, settings in steps:
        if factory == "transformer":
            nlp.add_pipe("transformer", settings["name"], config={"model": _model(folder, settings["seed"])})
        elif factory == "tok2vec":
            nlp.add_pipe("tok2vec")
        elif settings.get("cnn"):
            nlp.add_pipe(factory, config=_with_tok2vec(factory, _cnn_listener(96)))
        else:
            nlp.add_pipe(factory, config=_with_tok2vec(factory, _listener(settings["upstream"])))
    train(nlp)
    nlp.to_disk(folder / "original")
    return folder / "original"


def build_mixture(folder: Path, shared: Path) -> Path:
    """Write a pipeline of both libraries: a curated tagger with its transformer, then an original of the other one."""
    (folder / "curated").mkdir()
    curated = spacy.load(build_curated(folder / "curated", components=("tagger",)))
    nlp = spacy.load(shared)
    first = nlp.pipe_names[0]
    nlp.add_pipe("transformer", "curated", source=curated, before=first)
    nlp.add_pipe("tagger", source=curated, before=first)
    nlp.to_disk(folder / "original")
    return folder / "original"


def build_two_curated(folder: Path) -> Path:
    """Write a pipeline of a curated tagger with its transformer, then a curated ner with another one."""
    second: dict[str, Any] = {"architecture": "bert", "encoder": "BertWordpieceEncoder", "components": ("ner",)}
    for name in ("first", "second"):
        (folder / name).mkdir()
    nlp = spacy.load(build_curated(folder / "first", components=("tagger",)))
    other = spacy.load(build_curated(folder / "second", listener="ScalarWeightingListener", **second))
    nlp.add_pipe("transformer", "second", source=other)
    nlp.add_pipe("ner", source=other)
    nlp.to_disk(folder / "original")
    return folder / "original"


def _model(folder: Path, seed: int) -> dict[str, Any]:
    section = {key: value for key, value in tok2vec_section(folder, 2, seed=seed).items() if key != "pooling"}
    del section["grad_factor"]
    return {**section, "@architectures": f"{ST}.TransformerModel.v2"}


def _listener(upstream: str) -> dict[str, Any]:
    return {
        "@architectures": f"{ST}.TransformerListener.v1",
        "grad_factor": 1.0,
        "pooling": {"@layers": "reduce_mean.v1"},
        "upstream": upstream,
    }


def _cnn_listener(width: int) -> dict[str, Any]:
    return {"@architectures": "spacy.Tok2VecListener.v1", "width": width, "upstream": "*"}


def _with_tok2vec(factory: str, section: dict[str, Any]) -> dict[str, Any]:
    default = (Language.get_factory_meta(factory).default_config or {})["model"]
    return {"model": {**default, "tok2vec": section}}
