"""The HTTP API, whatever front door brought the call: one file for each door, and one API behind them.

::

    event ──function_url | api_gateway | alb──▶ HttpRequest ──api──▶ HttpResponse ──the same door──▶ answer
"""
