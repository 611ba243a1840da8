"""The words of the report of ``convert``."""

from __future__ import annotations

import pytest

from spacy_lambda.cli.convert_report import count_phrase


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("relations of brat, not converted", "relation of brat, not converted"),
        ("categories of Doccano, not converted", "category of Doccano, not converted"),
        (
            "entities with a kb_id or an id, which bio cannot hold",
            "entity with a kb_id or an id, which bio cannot hold",
        ),
        ("first lines without a tag", "first line without a tag"),
        ("labels to rename that no entity has", "label to rename that no entity has"),
        ("rows of one document that are apart", "row of one document that is apart"),
        ("documents with parts that are not annotated", "document with parts that are not annotated"),
        ("byte order marks inside of files, left out", "byte order mark inside of files, left out"),
        ("commentsList, not converted", "commentsList, not converted"),
        ("values under 'labels', not converted", "value under 'labels', not converted"),
    ],
)
def test_a_phrase_agrees_with_its_number(phrase: str, text: str) -> None:
    assert count_phrase(1, phrase) == f"1 {text}"
    assert count_phrase(1_200, phrase) == f"1,200 {phrase}"
