"""A handler that does what breaks functions."""

import os
import subprocess


def handler(event, context):
    return globals()[event["do"]]()


def nothing():
    return None


def eat_memory():
    kept = []
    while True:
        kept.append(b"x" * (16 << 20))


def large_response():
    return "x" * (7 << 20)


def write_to_root():
    with open("/x", "w"):
        pass


def long_message():
    raise ValueError("x" * 1_000_000)


def endless_message():
    raise ValueError("x" * (7 << 20))


def open_files():
    kept = []
    try:
        while True:
            kept.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        for file in kept:
            os.close(file)
        return len(kept)


def fork():
    child = subprocess.Popen(["sleep", "300"], start_new_session=True)
    if os.fork() == 0:
        os.setsid()
        os.execvp("sleep", ["sleep", "300"])
    return child.pid


def leave():
    os._exit(1)


def print_much():
    for _ in range(10 * 1024):
        print("y" * 1023)
