"""Switch off what libraries report home. Call before they are imported."""

from __future__ import annotations

import os

OFF = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "BENTOML_DO_NOT_TRACK": "True",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    # onnxruntime 1.32 for Linux writes to ~/.cache and looks up a host of Microsoft's.
    "ORT_DISABLE_TELEMETRY": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
}


def switch_off() -> None:
    """Set every library's own opt-out; a value the user has set stays."""
    for name, value in OFF.items():
        os.environ.setdefault(name, value)
