"""The service does what its own description says: random requests made from it (Schemathesis)."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

# What is in a file cannot be described: a readable request with an unreadable photo gets a 422.
RENDER = ["--include-path", "/render", "--exclude-checks", "positive_data_acceptance"]


@pytest.mark.hostile
@pytest.mark.parametrize("part", [["--exclude-path", "/render"], RENDER], ids=["all", "render"])
def test_random_requests_by_the_description(served: Any, part: list[str]) -> None:
    url = f"{served.client.base_url}/docs.json"
    command = [sys.executable, "-m", "schemathesis.cli", "run", url, "--max-examples", "200"]
    run = subprocess.run([*command, "--seed", "1", *part], capture_output=True, text=True)
    print(run.stdout[-600:])
    assert run.returncode == 0, run.stdout
