"""spacy-lambda: a trained spaCy transformer pipeline, on AWS Lambda, without torch."""

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("spacy-lambda")
