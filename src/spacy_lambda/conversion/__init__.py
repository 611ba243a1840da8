"""Annotations of a tool -> a corpus of spaCy, with an account of every entity.

The flow, one module each::

    job                 the conversion as a whole
      source_files        a file or a folder -> files, each with its text and lines
        text_encoding       bytes -> text
      recognition         files -> their format
      formats/            files -> annotated documents, and the other way
      offset_units        UTF-16 units, bytes, byte order marks and ends of lines -> characters
      span_checks         spans -> those that are sound
      repeated_texts      texts that the source has several times
      splits              documents -> train, dev and test
      fitting             documents -> what the destination's format can hold
        token_bounds        spans of characters -> spans of tokens
        span_overlaps       spans -> spans without overlaps
        doc_building        annotated documents <-> Docs
      output_paths        files of the output, which appear whole
        written_folders     record of a folder, by which --force removes nothing else
      accounting          every entity, kept or dropped for a reason
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spacy_lambda.extras import lazy_imports

if TYPE_CHECKING:
    from spacy_lambda.conversion.accounting import ConversionReport
    from spacy_lambda.conversion.job import convert
    from spacy_lambda.conversion.policies import ConversionOptions

__all__ = ["ConversionOptions", "ConversionReport", "convert"]

__getattr__ = lazy_imports(
    __name__,
    {
        "ConversionOptions": "spacy_lambda.conversion.policies",
        "ConversionReport": "spacy_lambda.conversion.accounting",
        "convert": "spacy_lambda.conversion.job",
    },
)
