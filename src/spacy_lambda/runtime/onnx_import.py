"""onnxruntime, imported with its telemetry off.

Its builds for Linux send data about the machine, the session and the model to Microsoft, and keep an identifier of the
machine on its disk (https://github.com/microsoft/onnxruntime/pull/27379; seen in 1.32). The
variable has to be set before the first import.
"""

from __future__ import annotations

import os
from types import ModuleType

__all__ = ["TELEMETRY_VARIABLE", "import_onnxruntime"]

TELEMETRY_VARIABLE = "ORT_DISABLE_TELEMETRY"


def import_onnxruntime() -> ModuleType:
    """Return the module; its reports are on if the variable is 0."""
    os.environ.setdefault(TELEMETRY_VARIABLE, "1")
    import onnxruntime

    module: ModuleType = onnxruntime
    return module
