"""The kind of pipeline that a folder holds, read from its config as spaCy resolves it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import spacy

from spacy_lambda.core.pipelines import find_pipeline
from spacy_lambda.errors import InvalidPipelineError, NotCompiledError
from spacy_lambda.pipeline.config_file import parse_config
from spacy_lambda.pipeline.kind import PipelineKind, pipeline_kind, require_compiled, torch_parts
from tests.bundler.wheels import BUNDLED

LISTENER = "spacy-transformers.TransformerListener.v1"


def config(text: str, pipeline: str = '["ner"]') -> str:
    return f'[nlp]\nlang = "en"\npipeline = {pipeline}\n\n[components]\n\n{text}\n'


def folder_of(tmp_path: Path, text: str, **meta: object) -> Path:
    (tmp_path / "config.cfg").write_text(text)
    (tmp_path / "meta.json").write_text(json.dumps({"lang": "en", "name": "x", "version": "1", **meta}))
    return tmp_path


def ner_with(model: str) -> str:
    return config(f'[components.ner]\nfactory = "ner"\n\n[components.ner.model]\n{model}')


NEED_TORCH = {
    "the transformer": config('[components.ner]\nfactory = "transformer"'),
    "curated": config('[components.ner]\nfactory = "curated_transformer"'),
    "coreference": config('[components.ner]\nfactory = "experimental_coref"'),
    "a factory from a variable": '[vars]\nf = "transformer"\n' + config("[components.ner]\nfactory = ${vars.f}"),
    "a listener": ner_with(f'@architectures = "x"\n[components.ner.model.tok2vec]\n@architectures = "{LISTENER}"'),
    "a listener from a block variable": f'[vars]\n[vars.t]\n@architectures = "{LISTENER}"\n'
    + ner_with('@architectures = "x"\ntok2vec = ${vars.t}'),
    "a separate transformer": ner_with('@architectures = "spacy-transformers.Tok2VecTransformer.v3"'),
    "curated architectures": ner_with('@architectures = "spacy-curated-transformers.LastTransformerLayerListener.v1"'),
    "spaCy's own LSTM": ner_with('@architectures = "spacy.TorchBiLSTMEncoder.v1"'),
    "thinc's wrapper": ner_with('@layers = "PyTorchWrapper.v3"'),
    "thinc's LSTM": ner_with('@layers = "PyTorchLSTM.v1"'),
    "a language model in the process": config(
        '[components.ner]\nfactory = "llm"\n\n[components.ner.model]\n@llm_models = "spacy.Llama2.v1"'
    ),
    "a callback of the pipeline": config('[components.ner]\nfactory = "ner"')
    + '\n[nlp.before_creation]\n@callbacks = "spacy-transformers.some_callback.v1"\n',
}

NEED_NONE = {
    "a ruler": config('[components.ner]\nfactory = "entity_ruler"'),
    "a CNN": ner_with('@architectures = "spacy.HashEmbedCNN.v2"'),
    "a block that no component uses": config(
        '[components.ner]\nfactory = "ner"\n[components.trf]\nfactory="transformer"'
    ),
    "a variable that nothing uses": '[vars]\nf = "transformer"\n' + config('[components.ner]\nfactory = "ner"'),
    "a label that is called so": config('[components.ner]\nfactory = "ner"\nlabels = ["transformer"]'),
    "a deeper key that is called so": config(
        '[components.ner]\nfactory = "x"\n[components.ner.y]\nfactory = "transformer"'
    ),
    "no components": '[nlp]\nlang = "en"\npipeline = []\n',
    "a language model over the network": config(
        '[components.ner]\nfactory = "llm"\n\n[components.ner.model]\n@llm_models = "spacy.GPT-4.v3"'
    ),
}


@pytest.mark.parametrize("name", NEED_TORCH)
def test_an_original(name: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, NEED_TORCH[name])
    assert pipeline_kind(folder) is PipelineKind.ORIGINAL
    with pytest.raises(NotCompiledError, match="mine is not compiled: it has parts that need torch") as caught:
        require_compiled(folder, name="mine")
    assert "spacy-lambda compile mine " in caught.value.remedy


@pytest.mark.parametrize("name", NEED_NONE)
def test_no_transformer(name: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, NEED_NONE[name])
    assert require_compiled(folder, name="mine") is pipeline_kind(folder) is PipelineKind.NO_TRANSFORMER


def test_compiled() -> None:
    assert pipeline_kind(find_pipeline(BUNDLED)) is PipelineKind.COMPILED


def test_compiled_without_a_transformer(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, NEED_NONE["a CNN"], spacy_lambda={"precision": "fp32", "encoders": {}})
    assert pipeline_kind(folder) is PipelineKind.COMPILED


def test_a_spacy_lambda_block_does_not_make_it_compiled(tmp_path: Path) -> None:
    """spaCy keeps what it does not know in ``meta.json`` when the pipeline is changed and written again."""
    folder = folder_of(tmp_path, NEED_TORCH["the transformer"], spacy_lambda={"precision": "fp32"})
    assert pipeline_kind(folder) is PipelineKind.ORIGINAL


def test_compiled_with_another_part_that_needs_torch(tmp_path: Path) -> None:
    ours = '[components.transformer]\nfactory = "onnx_transformer_v1"\n\n[components.tagger]\nfactory = "tagger"\n'
    ours += '\n[components.tagger.model]\n@architectures = "spacy.TorchBiLSTMEncoder.v1"'
    folder = folder_of(tmp_path, config(ours, '["transformer", "tagger"]'), spacy_lambda={"precision": "int8"})
    assert pipeline_kind(folder) is PipelineKind.ORIGINAL
    with pytest.raises(NotCompiledError, match=r"'tagger' \(spacy\.TorchBiLSTMEncoder\.v1\)") as caught:
        require_compiled(folder, name="mine")
    assert "train 'tagger' without torch" in caught.value.remedy


def test_packages_that_require_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name does not matter: the metadata of another package requires torch."""
    for name, requires in (("acme-layers", "acme-base>=1"), ("acme-base", 'torch; python_version >= "3"')):
        info = tmp_path / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Dist: {requires}\n"
        )
    (tmp_path / "acme_layers-1.0.dist-info" / "entry_points.txt").write_text(
        "[spacy_architectures]\nacme.Layer.v1 = acme:layer\n[spacy_factories]\nacme = acme:make\n"
    )
    assert not torch_parts(parse_config(ner_with('@architectures = "acme.Layer.v1"'), name="x"))
    monkeypatch.syspath_prepend(tmp_path)
    assert torch_parts(parse_config(ner_with('@architectures = "acme.Layer.v1"'), name="x"))
    assert torch_parts(parse_config(config('[components.ner]\nfactory = "acme"'), name="x"))
    assert not torch_parts(parse_config(ner_with('@layers = "acme.Layer.v1"'), name="x"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no config",
        "[nlp",
        "[nlp]\nlang = ${vars.none}",
        "[nlp]\nlang = ${nlp.lang}",
        "[nlp]\npipeline = " + "[" * 50_000,
        '[nlp]\npipeline = ["ner"]',
        "[nlp]\npipeline = [1]",
        '[nlp]\npipeline = "ner"',
        "nlp = 1",
        config('[components.../../x]\nfactory = "ner"', '["ner"]'),
        config("", '["../x"]'),
        "[nlp]\npipeline = []\n[components]\n[components.a/b]\nfactory = 1",
        "\0",
    ],
)
def test_an_invalid_config(text: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidPipelineError) as caught:
        pipeline_kind(folder_of(tmp_path, text))
    assert "config.cfg" in caught.value.message
    assert len(caught.value.message) < 600


@pytest.mark.parametrize("block", [True, False])
@pytest.mark.parametrize(
    "name",
    [
        *("code", "Code", "tokenizer", "vocab", "VOCAB", "meta.json", "config.cfg"),
        *("..", ".", "../evil", "../../x", "/etc", "a/b", "a:b", ".git", "__pycache__", "nul", "x "),
    ],
)
def test_a_component_whose_name_is_not_a_folder(name: str, block: bool, tmp_path: Path) -> None:
    text = config(f'[components.{name}]\nfactory = "ner"' if block else "", f'["{name}"]')
    with pytest.raises(InvalidPipelineError, match="cannot be the name of its folder") as caught:
        pipeline_kind(folder_of(tmp_path, text))
    assert "rename" in caught.value.remedy


@pytest.mark.parametrize(
    "name", ["refs", "codes", "encode", "tokenizer2", "vocabulary", "meta", "json", "my code", "ü"]
)
def test_an_ordinary_name(name: str, tmp_path: Path) -> None:
    text = config(f'[components.{name}]\nfactory = "ner"\n[components.{name}.model]\ncode = 1', f'["{name}"]')
    assert pipeline_kind(folder_of(tmp_path, text)) is PipelineKind.NO_TRANSFORMER


def test_a_config_that_does_not_parse_for_another_reason(tmp_path: Path) -> None:
    text = config('[components.ner]\nfactory = "ner"\n[components.ner.a/b.code]\nx = ${vars.none}', '["ner"]')
    with pytest.raises(InvalidPipelineError, match="does not parse"):
        pipeline_kind(folder_of(tmp_path, text))


def test_a_config_that_is_not_text(tmp_path: Path) -> None:
    folder_of(tmp_path, "").joinpath("config.cfg").write_bytes(b"\xff\xfe[nlp]")
    with pytest.raises(InvalidPipelineError, match="cannot be read"):
        pipeline_kind(tmp_path)


def test_neither_spacy_nor_torch_is_imported(tmp_path: Path) -> None:
    spacy.blank("en").to_disk(tmp_path / "blank")
    script = "import sys; from pathlib import Path; from spacy_lambda.pipeline.kind import pipeline_kind as kind"
    script += "; print(kind(Path(sys.argv[1])), {'spacy', 'thinc', 'torch'} & sys.modules.keys())"
    words = [sys.executable, "-E", "-c", script, str(tmp_path / "blank")]  # with torch, which could be imported
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == "no-transformer set()\n"


@pytest.mark.parametrize("name", ["OnnxTok2VecTransformer", "CuratedWrappedTransformer"])
def test_compiled_with_transformers_in_components_only(tmp_path: Path, name: str) -> None:
    model = f'@architectures = "x"\n[components.ner.model.tok2vec]\n@architectures = "spacy_lambda.{name}.v1"'
    assert pipeline_kind(folder_of(tmp_path, ner_with(model))) is PipelineKind.COMPILED
