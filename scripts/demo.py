"""``make demo``: the bundled pipeline behind Lambda's own protocols, called through boto3."""

from __future__ import annotations

import argparse
import json
import signal
import threading
from importlib.metadata import version
from pathlib import Path
from textwrap import fill

from spacy_lambda.cdk.prices import FALLBACK_REGION, describe_prices, usd
from spacy_lambda.cli.invoke import print_prediction
from spacy_lambda.errors import LocalLambdaError
from spacy_lambda.local import FunctionSettings, Invocation, LocalLambda, invoke

PIPELINE = "en_scienceie_minilm"
NAME = "function"
NOTES = """\
For abstracts of physics, materials science and computer science, in English. Everyday sentences and other languages \
get wrong entities: "Hello there, how are you?" is a TASK. A demonstration, trained on 350 paragraphs."""
OTHER_EXAMPLE = """\
We study how lithium dendrites form in solid electrolytes. A phase-field model of crack propagation is solved with the \
finite element method, and its predictions are compared with impedance measurements of LLZO pellets."""
"""Intended use, and an example besides the text that is sent, for the page: the wheel's metadata does not have them."""

EVENT = Path(__file__).parent.parent / "examples" / "abstract.json"

CALLS = """\
The function is served until Ctrl-C. In a browser, open {url}/
From another terminal, in this folder:

  curl -s {url}/predict -H 'content-type: application/json' -d @{event}

  curl -s {url}/2015-03-31/functions/{name}/invocations -d @{event}

  .venv-demo/bin/spacy-lambda invoke --endpoint {url} --event {event}

  AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local aws lambda invoke --region us-east-1 \\
      --endpoint-url {url} --function-name {name} --payload fileb://{event} /dev/stdout

.venv-demo/bin/python - <<'PYTHON'
import boto3
client = boto3.client("lambda", endpoint_url="{url}", region_name="us-east-1",
                      aws_access_key_id="local", aws_secret_access_key="local")
answer = client.invoke(FunctionName="{name}", Payload=open("{event}", "rb").read())
print(answer["Payload"].read().decode())
PYTHON

"""
"""Commands that a shell runs as they are printed: the end of a here-document must begin its line."""

NEXT = """\
Your own pipeline: install what compiles it ("Install" in README.md), and then
  spacy-lambda compile output/model-best compiled
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9001)
    parser.add_argument("--once", action="store_true", help="exit after the first prediction")
    arguments = parser.parse_args()
    event = json.loads(EVENT.read_text(encoding="utf-8"))
    with start(arguments.port, text=event["text"]) as local:
        print(f"{PIPELINE} {version(PIPELINE)} is served at {local.endpoint_url}; the text sent to it:\n")
        print(fill(event["text"], 100, initial_indent="  ", subsequent_indent="  ") + "\n")
        cold, warm = ask(local, event), ask(local, event)
        print_prediction(cold.answer)
        print(f"first call, cold: {figures(cold)}\nsecond, warm:     {figures(warm)}")
        print(cost(warm) + "\n")
        if not arguments.once:
            print(CALLS.format(url=local.endpoint_url, name=NAME, event=EVENT.relative_to(Path.cwd())))
        print(NEXT, flush=True)
        if not arguments.once:
            wait_for_interrupt()


def start(port: int, *, text: str) -> LocalLambda:
    """Serve the pipeline, at another port if this one is in use; its page offers the text as an example."""
    page = {
        "SPACY_LAMBDA_PAGE": "on",
        "SPACY_LAMBDA_NOTES": NOTES,
        "SPACY_LAMBDA_EXAMPLES": json.dumps([text, OTHER_EXAMPLE]),
    }
    settings = FunctionSettings(pipeline=PIPELINE, name=NAME, environment=page)
    quiet = {"log": lambda number, line: None}
    try:
        return LocalLambda(settings, port=port, **quiet)
    except LocalLambdaError as exc:
        local = LocalLambda(settings, **quiet)
        print(f"{exc.message}; using a free port instead")
        return local


def ask(local: LocalLambda, event: object) -> Invocation:
    """Invoke the function through boto3; a function error ends the demonstration."""
    invocation = invoke(local.endpoint_url, NAME, event)
    if invocation.error is not None:
        raise SystemExit(f"{invocation.error.error_type}: {invocation.error.message}\n{invocation.log_tail}")
    return invocation


def figures(invocation: Invocation) -> str:
    """The figures of an invocation's REPORT line."""
    report = invocation.report
    if report is None:
        return "no REPORT line"
    init = "" if report.init_ms is None else f"init {report.init_ms:,.0f} ms, "
    memory = "" if report.max_memory_mb is None else f", peak memory {report.max_memory_mb} MB"
    return f"{init}duration {report.duration_ms:,.1f} ms{memory}"


def cost(invocation: Invocation) -> str:
    """The price of a million such calls on Lambda, if its CPUs take as long as this machine's."""
    report = invocation.report
    if report is None:
        return "no REPORT line"
    gigabytes, seconds = report.memory_size_mb / 1024, report.billed_ms / 1000
    dollars = usd("million_requests") + 1e6 * seconds * gigabytes * usd("gb_second_x86_64")
    billed = f"{report.billed_ms} ms billed with {report.memory_size_mb:,} MB"
    return f"a million such calls: ${dollars:,.2f} by {describe_prices(FALLBACK_REGION)} ({billed}, as on this machine)"


def wait_for_interrupt() -> None:
    """Block until Ctrl-C, or another signal to terminate."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()
    print("\nstopping", flush=True)


if __name__ == "__main__":
    main()
