"""A handler that does what the event says; it stands in for the real one."""

import importlib
import os
import signal
import subprocess
import sys
import time

print("stub is imported")


def handler(event, context):
    return globals()[event.pop("do")](event, context)


def echo(event, context):
    return event


def describe(event, context):
    return {
        "pid": os.getpid(),
        "variables": dict(os.environ),
        "request_id": context.aws_request_id,
        "arn": context.invoked_function_arn,
        "function": context.function_name,
        "memory": context.memory_limit_in_mb,
        "remaining_ms": context.get_remaining_time_in_millis(),
        "client_context": context.client_context.custom if context.client_context else None,
        "path": sys.path,
    }


def say(event, context):
    print(event["text"])
    print(event["text"], file=sys.stderr)


def fail(event, context):
    raise KeyError(event["text"])


def sleep(event, context):
    print(f"sleeping in {os.getpid()}")
    time.sleep(event["seconds"])


def eat(event, context):
    """Use memory, here, in a child process or in a daemon, until it suffices or this process is killed."""
    code = "import sys, time; data = b'x' * (int(sys.argv[1]) << 20); print('full', flush=True); time.sleep(300)"
    if event.get("child"):
        command = [sys.executable, "-c", code, str(event["mb"])]
        if event["child"] == "daemon":
            command = ["sh", "-c", 'setsid "$@" &', "sh", *command]
        child = subprocess.Popen(command, stdout=subprocess.PIPE)
        child.stdout.readline()
        time.sleep(300)
    data = b"x" * (event["mb"] << 20)
    time.sleep(event.get("seconds", 300))
    return len(data)


def fork(event, context):
    """Hold memory that forked children share."""
    data = b"x" * (event["mb"] << 20)
    pids = []
    for _ in range(event["children"]):
        pids.append(os.fork())
        if not pids[-1]:
            time.sleep(300)
    time.sleep(event["seconds"])
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return len(data)


def leave_child(event, context):
    child = subprocess.Popen(["sleep", "300"])
    return {"pid": os.getpid(), "child": child.pid}


def leave_daemons(event, context):
    """Processes that no longer belong to this one: in sessions of their own, without parent, variables and files."""
    pids = []
    for depth in event["depths"]:
        reading, writing = os.pipe()
        if os.fork() == 0:
            _daemon(writing, depth)
        os.close(writing)
        with os.fdopen(reading) as told:
            pids.append(int(told.read()))
    return {"pid": os.getpid(), "daemons": pids}


def _daemon(writing, depth):
    os.setsid()
    for _ in range(depth):
        if os.fork():
            os._exit(0)
        os.setsid()
    os.write(writing, str(os.getpid()).encode())
    os.closerange(0, 256)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.execve(sys.executable, [sys.executable, "-I", "-S", "-c", "import time; time.sleep(300)"], {})


def stop_parent(event, context):
    os.kill(os.getppid(), signal.SIGSTOP)
    time.sleep(event["seconds"])


def leave(event, context):
    os._exit(event["status"])


def answer_bytes(event, context):
    return "x" * event["size"]


def can_import(event, context):
    try:
        return importlib.import_module(event["module"]).__name__
    except ImportError:
        return None


def factories(event, context):
    import spacy

    return [name for name in spacy.registry.architectures.get_entry_points() if "spacy_lambda" in name]


def entities(event, context):
    import spacy

    doc = spacy.load(os.environ["SPACY_LAMBDA_PIPELINE"])(event["text"])
    return [{"text": e.text, "label": e.label_, "start": e.start_char, "end": e.end_char} for e in doc.ents]
