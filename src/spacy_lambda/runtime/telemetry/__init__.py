"""What one sees of the function in production: counts and times, and never a text.

``observation`` holds what one invocation did, ``recorder`` makes of it a line of JSON in the log (as metrics, ``emf``,
where ``SPACY_LAMBDA_METRICS`` names a namespace) and, for requests that X-Ray samples, a subsegment of its trace
(``xray``). ``environment`` tells how the execution environment came to be.
"""
