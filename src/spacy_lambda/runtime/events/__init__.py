"""What brings a request, and where its answer goes: one file for each kind of event, and one path behind them.

::

    event ──dispatch──▶ EventSource ──▶ Function.parse ──▶ Request ──▶ Function.answer ──▶ what its sender expects
"""
