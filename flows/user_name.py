"""Who runs a flow, settled before Metaflow is imported.

Metaflow refuses to run for nobody, and takes root for nobody: in a container, or started by cron,
a flow would end with "unknown user".
"""

from __future__ import annotations

import os

from sparrow.portable import account_name

NAME_VARIABLES = ("METAFLOW_USER", "SUDO_USER", "USERNAME", "USER")  # by Metaflow, in this order
NOBODY = "sparrow"


def settle_user_name() -> str:
    """The name that Metaflow will find; given to it where it would find none."""
    for variable in NAME_VARIABLES:
        if (name := os.environ.get(variable, "")) not in ("", "root"):
            return name
    name = account_name() or NOBODY
    os.environ["METAFLOW_USER"] = NOBODY if name == "root" else name
    return os.environ["METAFLOW_USER"]
