"""Who runs a flow, settled before Metaflow is imported.

Metaflow refuses to run for nobody, and takes root for nobody: in a container, or started by cron,
a flow would end with "unknown user".
"""

from __future__ import annotations

import os
import pwd

NAME_VARIABLES = ("METAFLOW_USER", "SUDO_USER", "USERNAME", "USER")  # by Metaflow, in this order
NOBODY = "sparrow"


def settle_user_name() -> str:
    """The name that Metaflow will find; given to it where it would find none."""
    for variable in NAME_VARIABLES:
        if (name := os.environ.get(variable, "")) not in ("", "root"):
            return name
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user without an entry
        name = NOBODY
    os.environ["METAFLOW_USER"] = NOBODY if name == "root" else name
    return os.environ["METAFLOW_USER"]
