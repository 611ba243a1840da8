"""The page of environment variables: one that a key of spacy-lambda.toml sets names this key."""

from __future__ import annotations

import re
import runpy

from spacy_lambda.config.rules import FUNCTION_VARIABLES, SET_BY_KEYS
from spacy_lambda.core.env_names import CACHE_VARIABLE, CORS_VARIABLE
from tests.docs.blocks import ROOT


def variables() -> str:
    return str(runpy.run_path(str(ROOT / "scripts" / "site" / "environment_reference.py"))["variables"]())


def test_a_variable_of_functions_that_their_environment_refuses_says_so() -> None:
    _, functions, *_ = re.split(r"^## ", variables(), flags=re.MULTILINE)
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", functions, re.MULTILINE))
    assert functions.startswith("Of a function\n")
    assert {*FUNCTION_VARIABLES, *SET_BY_KEYS} < rows.keys()
    others = rows.keys() - {*FUNCTION_VARIABLES, *SET_BY_KEYS}
    assert [name for name in others if "`environment` refuses" not in rows[name]] == []
    refused = (ROOT / "docs" / "environment.md").read_text(encoding="utf-8")
    assert [name for name in others if f"refuses these variables, and `{name}`." not in refused] == []


def test_variables_that_keys_set_name_their_key() -> None:
    page = variables()
    keys = dict(
        re.findall(r"^\| `(\w+)` \| .* Of a deployed function: the key `(\w+)` of spacy-lambda.toml. \|$", page, re.M)
    )
    assert keys.keys() == SET_BY_KEYS.keys()
    assert (keys[CORS_VARIABLE], keys[CACHE_VARIABLE]) == ("cors", "shape")
