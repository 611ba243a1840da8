"""The HTTP integrations, in the order in which an event is compared with them."""

from __future__ import annotations

from spacy_lambda.runtime.events.http.alb import AlbEvent
from spacy_lambda.runtime.events.http.api_gateway import ApiGatewayEvent
from spacy_lambda.runtime.events.http.function_url import FunctionUrlEvent
from spacy_lambda.runtime.events.protocol import EventSource

__all__ = ["INTEGRATIONS"]

INTEGRATIONS: tuple[EventSource, ...] = (FunctionUrlEvent(), ApiGatewayEvent(), AlbEvent())
