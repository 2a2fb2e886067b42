"""The service runs where torch and the training stack are not installed."""

from __future__ import annotations

import subprocess
import sys

ABSENT = ("torch", "torchvision", "mlflow", "metaflow", "optuna", "evidently", "matplotlib")


def test_the_service_starts_without_the_training_stack() -> None:
    code = (
        "import sys\n"
        f"sys.modules.update(dict.fromkeys({ABSENT!r}))\n"  # None: importing it raises ImportError
        "import service.app\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)
