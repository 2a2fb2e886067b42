"""Threads of torch do not spin while they wait, unless the user wants them to."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("package", ["sparrow.training", "sparrow.detectors", "sparrow.export"])
@pytest.mark.parametrize(("set_before", "expected"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_it_is_settled_before_torch_is_imported(
    package: str, set_before: str | None, expected: str
) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    if set_before:
        environment["OMP_WAIT_POLICY"] = set_before
    code = (
        f"import os, sys, {package}; print(os.environ['OMP_WAIT_POLICY'], 'torch' in sys.modules)"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert printed.split() == [expected, "False"]
