"""Who may import whom: what keeps the service small and every room replaceable."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("sparrow", "service", "monitoring")

# Torch costs fifteen seconds and gigabytes, MLflow seven: only those who work with them may.
TORCH = {"torch", "torchvision", "safetensors"}
TORCH_MODULES = {
    f"sparrow.model.{name}"
    for name in (
        "checkpoint",
        "dataset",
        "detector",
        "distributed",
        "export",
        "feeding",
        "going_on",
        "optimization",
        "prediction",
        "roi_pool",
        "starting_weights",
        "step",
        "training",
        "transforms",
        "trial",
    )
}
SERVING_FORBIDDEN = TORCH | {"mlflow", "metaflow", "optuna", "evidently"}
MONITORING_FORBIDDEN = TORCH | {"metaflow", "optuna"}

BASE = (
    "config", "search_space", "store_url", "boxes", "database", "images", "detections",
    "telemetry", "plain_text", "regular_file", "served_settings", "shipped", "spreadsheet",
)  # fmt: skip
LOG = ("log_file", "prediction_log", "prediction_record", "prediction_spill", "prediction_writer")
# Room -> the rooms and modules of ``sparrow`` that it may import besides itself.
ALLOWED = {
    **dict.fromkeys(BASE, ()),
    "images": ("regular_file",),
    "config": ("search_space", "store_url"),
    "database": ("store_url",),
    "served_settings": ("config",),
    "migrations": ("database",),
    "looks": BASE,
    "data": (*BASE, "looks"),
    **dict.fromkeys(LOG, (*BASE, *LOG, "looks")),
    "model": (*BASE, "data"),
    "evaluation": (*BASE, "data"),
    "release": (*BASE, "counter", "data", "evaluation", "model"),
    "trial_photos": BASE,
    "counter_process": ("counter", "model.folder"),
    "review": (*BASE, *LOG, "prediction_window", "data", "model.folder"),
    "counter": (
        *BASE,
        *LOG,
        "looks",
        "model.folder",
        "model.runtime",
        "evaluation.counting",
        "trial_photos",
    ),
}
# What watches reads the log, the reference and the champion's ``model.json``.
MONITORING_ALLOWED = (
    *BASE, *LOG, "prediction_window", "looks", "evaluation", "model.folder", "data.page",
)  # fmt: skip
RELEASE_OF_MODEL = ("sparrow.model.folder", "sparrow.model.runtime")  # values, never networks


def module_name(path: Path) -> str:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return name.removesuffix(".__init__")


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imported(tree: ast.AST, *, inside_functions: bool) -> Iterator[str]:
    """Absolute names of everything imported, ``from a import b`` as ``a`` and as ``a.b``."""
    for node in ast.iter_child_nodes(tree):
        if is_type_checking(node):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in line {node.lineno}"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif inside_functions or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from imported(node, inside_functions=inside_functions)


TREES = {
    module_name(path): ast.parse(path.read_text(encoding="utf-8"))
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}
LATE = {name: set(imported(tree, inside_functions=True)) for name, tree in TREES.items()}
EARLY = {name: set(imported(tree, inside_functions=False)) for name, tree in TREES.items()}


def below(name: str, parents: tuple[str, ...] | list[str]) -> bool:
    return any(name == parent or name.startswith(parent + ".") for parent in parents)


def loaded_by(module: str) -> dict[str, str]:
    """Every name that importing ``module`` imports -> the module that imports it."""
    found: dict[str, str] = {}
    waiting = [module]
    while waiting:
        one = waiting.pop()
        parents = [".".join(one.split(".")[:i]) for i in range(1, one.count(".") + 1)]
        for name in (*EARLY.get(one, ()), *parents):
            if name not in found:
                found[name] = one
                if name in TREES:
                    waiting.append(name)
    return found


def rooms(prefix: str) -> list[str]:
    return [name for name in TREES if below(name, (prefix,))]


def test_the_rule_is_read_from_real_files():
    assert len(TREES) > 60
    assert "torch" in EARLY["sparrow.model.training"]
    assert "mlflow" in EARLY["sparrow.release.registry"]
    assert "matplotlib.pyplot" in LATE["sparrow.model.study_report"]
    assert "matplotlib.pyplot" not in EARLY["sparrow.model.study_report"]
    # The closure goes through several modules.
    assert "torch" in loaded_by("sparrow.model.trial")


@pytest.mark.parametrize("room", ALLOWED)
def test_rooms_import_only_what_lies_below_them(room):
    own = f"sparrow.{room}"
    allowed = [own, *(f"sparrow.{name}" for name in ALLOWED[room])]
    wrong = {
        f"{module} imports {name}"
        for module in rooms(own)
        for name in LATE[module]
        if name in TREES and name != "sparrow" and not below(name, allowed)
    }
    assert not wrong


def test_monitoring_imports_only_what_it_watches_with():
    allowed = ["monitoring", *(f"sparrow.{name}" for name in MONITORING_ALLOWED)]
    wrong = {
        f"{module} imports {name}"
        for module in rooms("monitoring")
        for name in LATE[module]
        if name in TREES and name != "sparrow" and not below(name, allowed)
    }
    assert rooms("monitoring")
    assert not wrong


def test_release_touches_model_folders_and_never_networks():
    wrong = {
        f"{module} imports {name}"
        for module in rooms("sparrow.release")
        for name in LATE[module]
        if below(name, ("sparrow.model",)) and not below(name, RELEASE_OF_MODEL)
    }
    assert not wrong


def test_torch_stays_where_networks_are():
    users = {
        module
        for module, names in LATE.items()
        if below(module, ("sparrow",)) and any(name.split(".")[0] in TORCH for name in names)
    }
    assert users == TORCH_MODULES


def test_service_monitoring_and_flows_do_not_import_one_another():
    apart = {"service": ("monitoring", "flows"), "monitoring": ("service", "flows")}
    wrong = {
        f"{module} imports {name}"
        for room, others in apart.items()
        for module in rooms(room)
        for name in LATE[module]
        if below(name, others)
    }
    library = {
        f"{module} imports {name}"
        for module in rooms("sparrow")
        for name in LATE[module]
        if below(name, ("service", "monitoring", "flows", "metaflow"))
    }
    assert not wrong | library


def forbidden_of(module: str) -> set[str]:
    if below(module, ("monitoring",)):
        return MONITORING_FORBIDDEN
    return SERVING_FORBIDDEN


@pytest.mark.parametrize(
    "module",
    [
        "sparrow.model.runtime",
        "sparrow.counter",
        "sparrow.cli",
        "sparrow.commands.status",
        *rooms("service"),
        *rooms("monitoring"),
    ],
)
def test_what_serves_and_watches_starts_without_heavy_libraries(module):
    """Directly (even inside a function) or through other modules as they are imported."""
    forbidden = forbidden_of(module)
    loaded = loaded_by(module)
    wrong = {
        f"{by} imports {name}" for name, by in loaded.items() if name.split(".")[0] in forbidden
    }
    wrong |= {
        f"{module} imports {name}" for name in LATE[module] if name.split(".")[0] in forbidden
    }
    assert not wrong


def test_importing_the_package_imports_nothing():
    assert EARLY["sparrow"] == set()


def test_the_runtime_leaves_torch_out_for_real():
    """The rule above reads source; this one asks the interpreter."""
    code = (
        "import sys, sparrow.model.runtime\n"
        f"print([name for name in {sorted(SERVING_FORBIDDEN)} if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
