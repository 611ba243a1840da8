"""A handler module whose first import does not end, or ends the process, by the variable FIRST; the second works."""

import os
import pathlib
import time

marker = pathlib.Path(os.environ["MARKER"])
if not marker.exists():
    marker.touch()
    if os.environ["FIRST"] == "exit":
        os._exit(3)
    time.sleep(300)


def handler(event, context):
    return {"remaining_ms": context.get_remaining_time_in_millis()}
