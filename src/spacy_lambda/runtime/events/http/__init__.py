"""The HTTP API: one module for each integration, and one API behind them.

::

    event ──function_url | api_gateway | alb──▶ HttpRequest ──api──▶ HttpResponse ──the same integration──▶ response
"""
