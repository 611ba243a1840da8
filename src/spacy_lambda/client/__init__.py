"""The caller's side of a deployed function, or of a local one.

The flow, one module each::

    client              texts -> predictions, or spaCy's Docs
      predict_options     the options of a prediction -> the body of a request
      connect             a URL or a function's name -> the transport that reaches it
      pipe                many texts -> their values, in order
      text_source         texts, or pairs of texts and contexts, as they are read
      batching            texts -> batches within Lambda's limits
      parallel            several batches at once, their results in order
      bisection           a batch that fails -> smaller ones, down to the text at fault
      text_result         the prediction or the error of a text
      progress_bar        the number of texts that are done, in terminals and notebooks
      retry               backoff and retry after transient failures
      deadline            the time limit of a call, however slow the other side is
      docs                a prediction -> a Doc
      validation          checks of a prediction before that
    transport           one request -> its response, or CallError
      http_transport      through the HTTP API
      signing             SigV4, for URLs that require it
      invoke_transport    through Lambda's Invoke API
      lambda_api          one call of the Invoke API with boto3; the local Lambda and the deployment use it too
      invocation          its response -> an Invocation, with the function's error
      report_line         the figures of the REPORT line
      response_body       the bytes of a response, up to a maximum
    call_errors         failed calls -> the user's errors
    hub_inference       a model on the Hub, through the Hub's own API

The runtime never imports this package. boto3 and requests (the extra ``client``) are imported when a client is made.
"""

from spacy_lambda.client.client import Client
from spacy_lambda.client.retry import Retry
from spacy_lambda.client.text_result import TextError
from spacy_lambda.client.transport import Transport

__all__ = ["Client", "Retry", "TextError", "Transport"]
