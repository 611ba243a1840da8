"""A config of spaCy for a small annotated corpus: an encoder that is fine-tuned, and ``ner`` or ``spancat``.

Its values are those that suit corpora of some hundred paragraphs:

- windows as long as half of the encoder's wordpieces allow, at most 256 tokens: a paragraph is then one window, which
  is cheaper than two that overlap;
- batches by padded size, so that a step takes about the same time whatever the lengths of its texts; small ones on a
  CPU, where four steps of 250 tokens take as long as one of 1,000, and teach much more;
- a learning rate that rises over the first tenth of the steps and then falls to almost zero at the last one, which a
  small corpus needs more than many steps;
- twenty evaluations, and an end after half of all steps without a better score, in long runs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from string import Template

from spacy_lambda.training.annotated_corpus import AnnotatedCorpus
from spacy_lambda.training.base_model import BaseModel

__all__ = ["EVALUATIONS", "TrainingPlan", "make_plan", "within", "write_config"]

EPOCHS_CPU, EPOCHS_GPU = 12, 40
BATCH_CPU, BATCH_GPU = 250, 1000
"""Padded tokens."""

MIN_STEPS, MAX_STEPS = 200, 20_000
EVALUATIONS = 20
"""Evaluations of a run."""

FEW_EVALUATIONS = 6
"""Evaluations of a run in limited time."""

MIN_STEPS_TO_STOP = 400
"""Steps below which a run does not end early: a new model has no correct entity for a while."""

MIN_FAST_STEPS = 12
MAX_WINDOW = 256
"""Tokens."""

RATES = ((512, 5e-5), (256, 1e-4), (128, 3e-4), (0, 5e-3))
"""Learning rates by the smallest width of hidden states that they suit: small encoders learn at a higher rate."""

SPANS_COVERED = 0.99
"""Share of the spans that spancat's candidates include."""


@dataclass(frozen=True)
class TrainingPlan:
    """Numbers of a config.

    :param window: Tokens of a window.
    :param batch_size: Padded tokens of a batch.
    :param learn_rate: Highest learning rate.
    :param max_steps: A multiple of ``eval_frequency``.
    :param eval_frequency: Steps from one evaluation to the next.
    :param max_span: Tokens of the longest candidate of spancat.
    """

    window: int
    batch_size: int
    learn_rate: float
    max_steps: int
    eval_frequency: int
    max_span: int

    @property
    def evaluations(self) -> int:
        """Number of evaluations, with the one after the first step."""
        return self.max_steps // self.eval_frequency + 1

    @property
    def patience(self) -> int:
        """Steps without a better score after which training ends; 0 for a run that is too short to judge."""
        if self.max_steps < MIN_STEPS_TO_STOP:
            return 0
        return max(1, self.max_steps // self.eval_frequency // 2) * self.eval_frequency

    @property
    def warmup_steps(self) -> int:
        """Steps in which the learning rate rises."""
        return max(1, self.max_steps // 10)


def make_plan(corpus: AnnotatedCorpus, base: BaseModel, *, gpu: bool, max_steps: int | None) -> TrainingPlan:
    """Choose the numbers for a corpus, a base model and a processor.

    :param max_steps: Steps instead of those of the usual number of epochs.
    """
    batch_size = BATCH_GPU if gpu else BATCH_CPU
    epochs = EPOCHS_GPU if gpu else EPOCHS_CPU
    steps = max_steps or min(max(epochs * corpus.batches(batch_size), MIN_STEPS), MAX_STEPS)
    window = MAX_WINDOW if base.max_wordpieces is None else min(MAX_WINDOW, base.max_wordpieces // 2)
    plan = TrainingPlan(
        window=max(window, 4),
        batch_size=batch_size,
        learn_rate=next(rate for width, rate in RATES if base.width >= width),
        max_steps=0,
        eval_frequency=1,
        max_span=_max_span(corpus),
    )
    return _with_steps(plan, steps, EVALUATIONS)


def within(plan: TrainingPlan, seconds: float, *, step: float, evaluation: float) -> TrainingPlan:
    """Return a plan that ends in limited time.

    :param step: Seconds of a step.
    :param evaluation: Seconds of an evaluation.
    """
    left = seconds - (FEW_EVALUATIONS + 1) * evaluation
    steps = max(MIN_FAST_STEPS, min(plan.max_steps, int(left / step)))
    return _with_steps(plan, steps, FEW_EVALUATIONS)


def _with_steps(plan: TrainingPlan, steps: int, evaluations: int) -> TrainingPlan:
    frequency = max(1, steps // evaluations)
    return replace(plan, max_steps=max(frequency, steps - steps % frequency), eval_frequency=frequency)


def _max_span(corpus: AnnotatedCorpus) -> int:
    lengths = corpus.span_lengths
    return lengths[min(len(lengths) - 1, int(SPANS_COVERED * len(lengths)))] if lengths else 0


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
