"""Inside the function: event to prediction.

This package is closed: it imports the standard library, spaCy and thinc, onnxruntime, tokenizers and numpy, and
from this distribution only :mod:`spacy_lambda.errors` and :mod:`spacy_lambda.core` (which imports boto3 where an
``s3://`` location is used).

The flow, one module each::

    handler      Lambda's entry point: loads the pipeline during init, handles events
    loading      finds and loads the pipeline
      cache        a pipeline in a store: fetched and verified
    request      event -> Request; reports every invalid key
    events       event sources: HTTP, queues, streams, buckets
    prediction   Request -> prediction, within the limits of the environment
      doc_values   Doc -> plain values
      long_text    a text over the limit -> segments, and back
    component    the spaCy component: Doc -> hidden states (its base is in transformer)
      windows      Doc -> token windows, as spacy-transformers' span getters cut them
      wordpieces   window texts -> wordpiece ids and character offsets
      alignment    offsets -> the wordpieces of each token
      encoder      wordpiece ids -> hidden states, by onnxruntime
    listener     the layer through which ner, tagger, ... read the hidden states
    curated      the same for transformers of spacy-curated-transformers
"""
