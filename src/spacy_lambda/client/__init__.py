"""The caller's side of a deployed function, or of a local one.

The flow, one module each::

    client              what a program uses: texts -> answers, or spaCy's Docs
      wanted              what is asked about each text -> a request's body
      target              a URL or a function's name -> the transport that reaches it
      batching            texts -> batches that Lambda takes
      piping              several batches at once, their answers in order
      halving             a batch that fails -> smaller ones, down to the text at fault
      retry               what may pass is tried again, later each time
      calls               calls under way, which end when nobody waits for them
      deadline            the end of a call's time, whatever the other side does
      docs                an answer -> a Doc
      shape               what an answer must be for that
    transport           one request -> its answer, or CallFailed
      http_transport      through the HTTP API
      invoke_transport    through Lambda's Invoke API
      body                a response's bytes, as many as they may be
      signing             SigV4, for URLs that want it
      endpoint            boto3's client, and endpoints on this machine
    failures            what went wrong, and what may help

The runtime never imports this package. boto3 and requests (the extra ``client``) are imported when a client is made.
"""

from spacy_lambda.client.client import Client
from spacy_lambda.client.retry import Retry
from spacy_lambda.client.transport import Transport

__all__ = ["Client", "Retry", "Transport"]
