"""A config of spaCy for a small annotated corpus: an encoder that is fine-tuned, and ``ner`` or ``spancat``."""

from __future__ import annotations

import json
from string import Template

from spacy_lambda.training.annotated_corpus import AnnotatedCorpus
from spacy_lambda.training.base_model import BaseModel
from spacy_lambda.training.training_plan import TrainingPlan

__all__ = ["write_config"]


def write_config(
    plan: TrainingPlan, train: AnnotatedCorpus, dev: AnnotatedCorpus, base: BaseModel, *, lang: str, seed: int
) -> str:
    """Return the config: one that ``spacy train`` takes, and comments on what may be changed."""
    is_spancat = train.spans_key is not None
    component = "spancat" if is_spancat else "ner"
    return Template(CONFIG).substitute(
        train=_quoted(str(train.path)),
        dev=_quoted(str(dev.path)),
        base=_quoted(base.name),
        seed=seed,
        lang=_quoted(lang),
        component=component,
        component_block=Template(SPANCAT if is_spancat else NER).substitute(
            key=_quoted(train.spans_key or ""), max_span=plan.max_span
        ),
        scores=SPANCAT_SCORES.replace("KEY", train.spans_key or "") if is_spancat else NER_SCORES,
        window=plan.window,
        stride=max(1, plan.window * 3 // 4),
        batch_size=plan.batch_size,
        learn_rate=f"{plan.learn_rate:.6f}",
        max_steps=plan.max_steps,
        eval_frequency=plan.eval_frequency,
        patience=plan.patience,
        warmup_steps=plan.warmup_steps,
        # One step more than there are: the rate of the last one is not zero.
        total_steps=plan.max_steps + 1,
    )


def _quoted(text: str) -> str:
    # A dollar would begin a variable of the config.
    return json.dumps(text, ensure_ascii=False).replace("$", "$$")


CONFIG = """\
# Written by spacy-lambda train; spacy train takes it, too.

[paths]
train = $train
dev = $dev
# The base model: its name on the Hub, or a folder.
weights = $base
vectors = null
init_tok2vec = null

[system]
gpu_allocator = "pytorch"
seed = $seed

[nlp]
lang = $lang
pipeline = ["transformer","$component"]
batch_size = 16
tokenizer = {"@tokenizers":"spacy.Tokenizer.v1"}

[components]

[components.transformer]
factory = "transformer"
max_batch_items = 4096

[components.transformer.model]
@architectures = "spacy-transformers.TransformerModel.v3"
name = $${paths.weights}
mixed_precision = false
tokenizer_config = {"use_fast":true}
transformer_config = {}

# Tokens. Windows that are longer than the encoder's limit of wordpieces are truncated.
[components.transformer.model.get_spans]
@span_getters = "spacy-transformers.strided_spans.v1"
window = $window
stride = $stride

$component_block
[corpora]

[corpora.train]
@readers = "spacy.Corpus.v1"
path = $${paths.train}
max_length = 0

[corpora.dev]
@readers = "spacy.Corpus.v1"
path = $${paths.dev}
max_length = 0

[training]
train_corpus = "corpora.train"
dev_corpus = "corpora.dev"
seed = $${system.seed}
gpu_allocator = $${system.gpu_allocator}
accumulate_gradient = 1
dropout = 0.1
max_epochs = 0
# The learning rate ends with the steps: change total_steps below, too.
max_steps = $max_steps
patience = $patience
eval_frequency = $eval_frequency

# Padded tokens of a batch: fewer take less memory.
[training.batcher]
@batchers = "spacy.batch_by_padded.v1"
discard_oversize = false
size = $batch_size
buffer = 256

[training.optimizer]
@optimizers = "Adam.v1"
beta1 = 0.9
beta2 = 0.999
eps = 0.00000001
L2 = 0.01
L2_is_weight_decay = true
grad_clip = 1.0
use_averages = false

[training.optimizer.learn_rate]
@schedules = "warmup_linear.v1"
initial_rate = $learn_rate
warmup_steps = $warmup_steps
total_steps = $total_steps

[training.score_weights]
$scores
[initialize]
vectors = $${paths.vectors}
init_tok2vec = $${paths.init_tok2vec}
"""

LISTENER = """\
@architectures = "spacy-transformers.TransformerListener.v1"
grad_factor = 1.0
pooling = {"@layers":"reduce_mean.v1"}
"""

NER = f"""\
[components.ner]
factory = "ner"

[components.ner.model]
@architectures = "spacy.TransitionBasedParser.v2"
state_type = "ner"
extra_state_tokens = false
hidden_width = 64
maxout_pieces = 2
use_upper = false
nO = null

[components.ner.model.tok2vec]
{LISTENER}"""

SPANCAT = f"""\
[components.spancat]
factory = "spancat"
spans_key = $key
threshold = 0.5
max_positive = null

[components.spancat.model]
@architectures = "spacy.SpanCategorizer.v1"

[components.spancat.model.reducer]
@layers = "spacy.mean_max_reducer.v1"
hidden_size = 128

[components.spancat.model.scorer]
@layers = "spacy.LinearLogistic.v1"
nO = null
nI = null

[components.spancat.model.tok2vec]
{LISTENER}
# Candidates: spans of up to so many tokens.
[components.spancat.suggester]
@misc = "spacy.ngram_range_suggester.v1"
min_size = 1
max_size = $max_span
"""

NER_SCORES = """\
ents_f = 1.0
ents_p = 0.0
ents_r = 0.0
ents_per_type = null
"""

SPANCAT_SCORES = """\
spans_KEY_f = 1.0
spans_KEY_p = 0.0
spans_KEY_r = 0.0
spans_KEY_per_type = null
"""
