"""Whatever is broken in a batch is named or refused, and the raw set stays as it was."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparrow.config import DataConfig
from sparrow.data.checks.report import RULES
from sparrow.data.errors import DataError
from sparrow.data.ingest.ingest import ingest_new

_spec = importlib.util.spec_from_file_location(
    "corruptions", Path(__file__).with_name("corruptions.py")
)
assert _spec
assert _spec.loader
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)
CORRUPTIONS = _module.CORRUPTIONS


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("name", CORRUPTIONS)
@pytest.mark.parametrize("seed", range(2))
def test_a_corrupted_batch_is_refused(
    config: DataConfig, photos: Any, new: Any, name: str, seed: int
) -> None:
    raw = content(photos.write())
    new.write()
    CORRUPTIONS[name](new.root, new.prefix, np.random.default_rng([seed, len(name)]))
    with pytest.raises(DataError) as caught:
        ingest_new(config)
    message = str(caught.value)
    assert any(rule in message for rule in RULES) or str(new.root) in message
    assert content(photos.root) == raw
    assert len(list(Path(config.rejected).iterdir())) == 1
    shutil.rmtree(config.rejected)  # a 300 MB sparse file is not kept for the test run
