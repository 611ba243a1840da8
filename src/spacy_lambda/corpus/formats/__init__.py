"""File formats of corpora, by the suffix of a file's name or by ``--from``.

Each module reads one kind of file into documents and writes annotated documents to it.
"""

from spacy_lambda.corpus.formats.registry import FORMATS, Format, format_of

__all__ = ["FORMATS", "Format", "format_of"]
