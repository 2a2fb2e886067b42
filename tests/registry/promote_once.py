"""Promote a version, as soon as a line is on standard input: ``promote_once.py STORES NUMBER``.

``STORES`` is a file with the section ``stores``. Prints ``done``, or the refusal.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sparrow.config import StoresConfig
from sparrow.registry.promotion_log import PromotionConflictError
from sparrow.registry.registry import Registry

stores = StoresConfig.model_validate_json(Path(sys.argv[1]).read_text(encoding="utf-8"))
print("ready", flush=True)
sys.stdin.readline()
try:
    Registry(stores, "test-detector").promote(int(sys.argv[2]), "mine", follows=0)
    print("done")
except PromotionConflictError as conflict:
    print(conflict)
