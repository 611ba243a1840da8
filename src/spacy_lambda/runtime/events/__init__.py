"""Event sources: one module for each, and one path behind them.

::

    event ──dispatch──▶ EventSource ──▶ Predictor.parse ──▶ Request ──▶ Predictor.predict ──▶ response
"""
