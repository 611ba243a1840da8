"""A handler with the hooks of SnapStart."""

import os
import time

from snapshot_restore_py import register_after_restore, register_before_snapshot

calls = [f"init {os.environ['AWS_LAMBDA_INITIALIZATION_TYPE']} {'AWS_LAMBDA_LOG_STREAM_NAME' in os.environ}"]
fails = os.environ.get("FAILS")


@register_before_snapshot
def before():
    calls.append("before")
    if fails == "before":
        raise ValueError("no snapshot today")


@register_after_restore
def after():
    calls.append("after")
    if fails == "after":
        raise ValueError("no restore today")
    if fails == "slow":
        time.sleep(300)


def handler(event, context):
    return calls
