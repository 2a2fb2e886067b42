"""Photo names that another operating system could not hold, or would take for one and the same."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict

import numpy as np

from sparrow.data.checks.compared_tables import Tables, of_photos
from sparrow.data.checks.report import RuleViolation

# Signs, and names of devices, whatever their suffix.
WINDOWS_FORBIDS = re.compile(
    r'[<>:"|?*]|^(con|prn|aux|nul|com[1-9]|lpt[1-9]) *(\.|$)', re.IGNORECASE
)


def check_portable_names(tables: Tables) -> RuleViolation | None:
    """Names that differ only in case or Unicode form, and those that Windows does not allow.

    In a copy of the set on such a system one photo would take another's place, or be missing.
    """
    alike: dict[str, list[str]] = defaultdict(list)
    for name in dict.fromkeys(tables.names):
        alike[unicodedata.normalize("NFC", name).casefold()].append(name)
    faults = {
        name: f"differs from {names[0] if name != names[0] else names[1]} in case or Unicode form "
        "only: macOS and Windows take both for one"
        for names in alike.values()
        if len(names) > 1
        for name in names
    }
    for name in tables.names:
        if WINDOWS_FORBIDS.search(name):
            faults.setdefault(name, "Windows does not allow this name")
    return of_photos(
        tables, "name-not-portable", np.array([*faults], dtype=object), list(faults.values())
    )
