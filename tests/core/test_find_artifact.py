"""A misspelt pipeline in a store is answered with the name that was meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from spacy_lambda.core.location import parse_location
from spacy_lambda.core.source.find import find_artifact
from spacy_lambda.errors import LocationError


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("en_material", "did you mean {store}/en_materials@live? `spacy-lambda ls {store}` lists the pipelines"),
        ("de_other", "give an artifact (.tar), or STORE/NAME@VERSION"),
    ],
)
def test_a_similar_name_is_suggested(name: str, remedy: str, tmp_path: Path) -> None:
    (tmp_path / "en_materials" / "refs").mkdir(parents=True)
    (tmp_path / "en_material_notes").mkdir()
    for store, expected in ((tmp_path, remedy), (tmp_path / "missing", "give an artifact")):
        with pytest.raises(LocationError) as caught:
            find_artifact(parse_location(f"{store}/{name}@live"))
        assert caught.value.remedy.startswith(expected.format(store=store))
