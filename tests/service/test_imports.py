"""The service runs where torch and the training stack are not installed."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import service

ABSENT = ("torch", "torchvision", "mlflow", "metaflow", "optuna", "evidently", "matplotlib")
ALLOWED = {
    "sparrow",
    "sparrow.config",
    "sparrow.count_formats",
    "sparrow.counter",
    "sparrow.counter_process",
    "sparrow.database",
    "sparrow.evaluation.figures",
    "sparrow.images",
    "sparrow.model.folder",
    "sparrow.prediction_log",
    "sparrow.prediction_record",
    "sparrow.prediction_writer",
    "sparrow.served_settings",
    "sparrow.store_url",
    "sparrow.telemetry",
}


def imported(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def test_the_service_imports_only_its_layer() -> None:
    for file in Path(service.__file__).parent.glob("*.py"):
        ours = {name for name in imported(file) if name.split(".")[0] == "sparrow"}
        assert ours <= ALLOWED, file.name


def test_the_service_starts_without_the_training_stack() -> None:
    code = (
        "import sys\n"
        f"sys.modules.update(dict.fromkeys({ABSENT!r}))\n"  # None: importing it raises ImportError
        "import service.app\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)
