"""What holds for all tests: no model hub is reached, and the CDK has a Node where the system has none."""

from __future__ import annotations

import os
import socket
from contextlib import suppress

from spacy_lambda.deploy.node import node_environment
from spacy_lambda.errors import DeployError

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    # Before huggingface_hub is imported, which reads it once; the stand-in for the Hub listens there.
    os.environ["HF_ENDPOINT"] = f"http://127.0.0.1:{free.getsockname()[1]}"

with suppress(DeployError):  # in the environment of the runtime, which needs none
    # The CDK's library starts "node" from the path when it is imported.
    os.environ["PATH"] = node_environment()["PATH"]
