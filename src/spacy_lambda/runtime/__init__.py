"""Inside the function: event to prediction.

This package is closed: it imports the standard library, spaCy and thinc, onnxruntime, tokenizers and numpy, and
from this distribution only what is shared: :mod:`spacy_lambda.errors`, :mod:`spacy_lambda.location`,
:mod:`spacy_lambda.manifest`, :mod:`spacy_lambda.pipelines`, :mod:`spacy_lambda.artifact` and :mod:`spacy_lambda.source`
(which imports boto3 where an ``s3://`` location is used).

The flow, one module each::

    handler      Lambda's entry point: loads the pipeline during init, answers events
    pipeline     where the pipeline is, and loading it
      cache        a pipeline in a store: fetched and verified
    requests     event -> Request; every mistake a caller can make ends here
    events       what brings a request, and where its answer goes: HTTP, queues, buckets
    answers      Request + Docs -> JSON-ready answer
      splitting    a text over the limit -> pieces, and back
    component    the spaCy component: Doc -> hidden states
      windows      Doc -> token windows, as spacy-transformers' span getters cut them
      wordpieces   window texts -> wordpiece ids and character offsets
      alignment    offsets -> which wordpieces make up which token
      encoder      wordpiece ids -> hidden states, by onnxruntime
    listener     the layer through which ner, tagger, ... read the hidden states
"""
