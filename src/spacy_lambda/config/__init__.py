"""``spacy-lambda.toml`` -> a complete and checked :class:`~spacy_lambda.config.project.Project`.

The flow is told in :mod:`~spacy_lambda.config.load`, its door. ``start`` writes the file that one begins with.
"""
