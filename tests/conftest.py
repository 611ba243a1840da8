"""What holds for all tests: no model hub is reached."""

from __future__ import annotations

import os
import socket

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    # Before huggingface_hub is imported, which reads it once; the stand-in for the Hub listens there.
    os.environ["HF_ENDPOINT"] = f"http://127.0.0.1:{free.getsockname()[1]}"
