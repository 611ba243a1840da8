"""Train a pipeline of a transformer on a small annotated corpus, with spaCy's own training.

The flow of :func:`train_pipeline`, one module each::

    annotated_corpus     .spacy files -> labels, sizes and faults of a corpus
    training_request     arguments and digests, by which a run is resumed
    base_model           a name on the Hub or a folder -> sizes of the transformer
    configuration        request -> config, and the time that it will take
      training_plan        corpus and base model -> steps, batches and learning rate of a run
      training_config      plan -> a plain spaCy config, which ``spacy train`` takes too
      step_time            config -> seconds of a step, measured on some batches
    trained_folder       the output: record of the run, checkpoint, curves, best pipeline
    training_loop        spaCy's loop, which goes on where a checkpoint was written
      checkpoint           pipeline, optimizer and states of random numbers <-> a file
      curves               evaluations -> table, JSON and plot (``curves_plot``)

The names are imported when they are used: they need the ``train`` extra.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spacy_lambda.extras import lazy_imports

if TYPE_CHECKING:
    from spacy_lambda.training.curves import TrainingEvaluation
    from spacy_lambda.training.train import TrainedPipeline, train_pipeline
    from spacy_lambda.training.training_progress import TrainingEstimate, TrainingProgress

__all__ = ["TrainedPipeline", "TrainingEstimate", "TrainingEvaluation", "TrainingProgress", "train_pipeline"]

_LAZY_IMPORTS = {
    "TrainedPipeline": "spacy_lambda.training.train",
    "TrainingEstimate": "spacy_lambda.training.training_progress",
    "TrainingEvaluation": "spacy_lambda.training.curves",
    "TrainingProgress": "spacy_lambda.training.training_progress",
    "train_pipeline": "spacy_lambda.training.train",
}

__getattr__ = lazy_imports(__name__, _LAZY_IMPORTS, extra="train")
