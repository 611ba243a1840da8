"""The page of environment variables: one that a key of spacy-lambda.toml sets names this key."""

from __future__ import annotations

import re
import runpy

from spacy_lambda.config.rules import SET_BY_KEYS
from spacy_lambda.core.env_names import CACHE_VARIABLE, CORS_VARIABLE
from tests.docs.blocks import ROOT


def test_variables_that_keys_set_name_their_key() -> None:
    page = runpy.run_path(str(ROOT / "scripts" / "site" / "environment_reference.py"))["variables"]()
    keys = dict(
        re.findall(r"^\| `(\w+)` \| .* Of a deployed function: the key `(\w+)` of spacy-lambda.toml. \|$", page, re.M)
    )
    assert keys.keys() == SET_BY_KEYS.keys()
    assert (keys[CORS_VARIABLE], keys[CACHE_VARIABLE]) == ("cors", "shape")
