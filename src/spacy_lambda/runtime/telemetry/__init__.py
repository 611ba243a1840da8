"""Telemetry of the function: counts and times, and never a text.

``observation`` holds what one invocation did, ``recorder`` makes of it a line of JSON in the log (as metrics, ``emf``,
where ``SPACY_LAMBDA_METRICS`` names a namespace) and, for requests that X-Ray samples, a subsegment of its trace
(``xray``). ``init_type`` distinguishes cold starts from other inits.
"""
