"""A corpus -> the annotated corpus, on this machine, on Lambda or on Ray.

The flow, one module each::

    job                 sources, pipeline, engine -> summary
      files               files, folders, patterns -> the files of the corpus
      formats/            a file -> documents, and annotated documents -> a file
      shards              documents -> shards, each with a name and a digest
      layout              the destination -> where results and records are
      destination         a folder in which files appear whole
      pipeline_parts      the pipeline's components -> labels and parts that are requested and missing
      ownership           files that no earlier run is recorded to have written
      settings            settings of a run: begun, resumed, or replaced
      records             records of the shards that are done
      completion          record of an output of one file
      lock                a lock against two runs into one folder
      engines/            shards -> results
        chosen              the engine that the user chooses
        local               processes on this machine
          batches             shards -> batches of their documents, and back
          worker_process, worker, messages   one process, its program, and what they send
          isolation           a batch in which a process has ended -> its results
        ray                 actors of Ray
        aws_lambda          a deployed function, invoked for each shard by a Distributed Map
          shard_objects       shards and results in S3
          executions          executions of the state machine
          attempts            their histories -> the attempts that failed, and why
      finish              shards' results -> the output
      tally, summary      figures of a run, while it goes on and at its end
    estimate            a corpus, and a pipeline or a function -> what annotating would take
      sample              a sample of the corpus, and what its documents take
    annotator           one loaded pipeline -> the results of shards, annotated tables
      tables, arrow_types   batches of a table, and the types of its new columns

Documents, options and counts are in :mod:`spacy_lambda.core.annotation`, and the work on documents is in
:mod:`spacy_lambda.runtime.annotation`, so that functions do the same.
"""

from typing import TYPE_CHECKING

from spacy_lambda.extras import lazy_imports

if TYPE_CHECKING:
    from spacy_lambda.corpus.annotator import Annotator
    from spacy_lambda.corpus.engines.protocol import Engine
    from spacy_lambda.corpus.estimate import Estimate, estimate_corpus
    from spacy_lambda.corpus.job import annotate
    from spacy_lambda.corpus.summary import Progress, Summary

__all__ = ["Annotator", "Engine", "Estimate", "Progress", "Summary", "annotate", "estimate_corpus"]

__getattr__ = lazy_imports(
    __name__,
    {
        "Annotator": "spacy_lambda.corpus.annotator",
        "Engine": "spacy_lambda.corpus.engines.protocol",
        "Estimate": "spacy_lambda.corpus.estimate",
        "Progress": "spacy_lambda.corpus.summary",
        "Summary": "spacy_lambda.corpus.summary",
        "annotate": "spacy_lambda.corpus.job",
        "estimate_corpus": "spacy_lambda.corpus.estimate",
    },
)
