"""Inside the function: event to prediction.

This package is closed: it imports the standard library, spaCy with thinc and srsly, onnxruntime, tokenizers and numpy,
boto3 where S3 or SQS is used, and from this distribution only :mod:`spacy_lambda.errors` and :mod:`spacy_lambda.core`.

The flow, one module each::

    handler      Lambda's entry point: loads the pipeline during init, handles events
    loading      finds and loads the pipeline
      cache        a pipeline in a store: fetched and verified
    events       event sources: HTTP, queues, streams, buckets
    predictor    the one path from an event's request to its prediction
      request      event -> Request; reports every invalid key
      capacity     memory, timeout and speed -> the limits of the environment
      prediction   Request -> prediction, within these limits
        pace         texts -> chunks, and the time that they take
      doc_values   Doc -> plain values
      text_places  their places in the text as it was sent
      long_text    a text over the limit -> segments, and back
    component    the spaCy component: Doc -> hidden states (its base is in transformer)
      windows      Doc -> token windows, as spacy-transformers' span getters cut them
      wordpieces   window texts -> wordpiece ids and character offsets
      alignment    offsets -> the wordpieces of each token
      encoder      wordpiece ids -> hidden states, by onnxruntime
    listener     the layer through which ner, tagger, ... read the hidden states
    curated      the same for transformers of spacy-curated-transformers
    telemetry    an invocation in numbers -> a log line, metrics, a subsegment
"""
