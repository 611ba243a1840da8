"""Functions that break: each gives what the service gives, and nothing stays of them."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest

from tests.local.faults import FAULTS, Remains, faulty_function
from tests.local.local_lambda import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.mark.slow
def test_faults(pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rounds; ``bench/local_faults.py`` has the same with a thousand invocations."""
    # Tests beside this one have temporary folders of the same kind.
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with faulty_function(pipeline) as (invoke, _):
        invoke("nothing")
    before = Remains.now()
    with faulty_function(pipeline) as (invoke, faults):
        for fault in [*faults, *faults]:
            result = invoke(fault)
            assert FAULTS[fault](result), (fault, result)
            assert invoke("nothing").error is None, fault
    wait_until(lambda: Remains.now().files <= before.files)
    wait_until(lambda: Remains.now().processes <= before.processes)
    wait_until(lambda: Remains.now().folders <= before.folders)
