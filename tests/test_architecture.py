"""Who may import whom: what keeps the service small and every room replaceable."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("sparrow", "service", "monitoring")

# Torch costs fifteen seconds and gigabytes, MLflow seven: only those who work with them may.
TORCH = {"torch", "torchvision", "safetensors"}
TORCH_ROOMS = ("sparrow.detectors", "sparrow.training", "sparrow.export")
SERVING_FORBIDDEN = TORCH | {"mlflow", "metaflow", "optuna", "evidently"}
MONITORING_FORBIDDEN = TORCH | {"metaflow", "optuna"}

# Room of ``sparrow`` -> the rooms it may import besides itself and the ground, which is what lies
# in ``sparrow`` itself and in ``GROUND_ROOMS``. A room may also name one module of another.
GROUND_ROOMS = {"config", "drawing", "migrations"}
BELOW_REPORTS = (
    "data", "predictions", "detectors", "evaluation", "training", "inference", "export",
)  # fmt: skip
ALLOWED: dict[str, tuple[str, ...]] = {
    "data": ("storage.object_store",),
    "predictions": (),
    "detectors": (),
    "evaluation": ("data",),
    "training": ("detectors", "data", "evaluation"),
    "inference": ("evaluation.counting", "predictions"),
    "export": ("detectors", "inference"),
    "registry": BELOW_REPORTS,
    "review": (*BELOW_REPORTS, "registry"),
    "reports": (*BELOW_REPORTS, "registry", "review"),
    "storage": ("registry",),
    "pipeline": (*BELOW_REPORTS, "registry", "review", "reports", "storage"),
    "cli": (
        *BELOW_REPORTS,
        "registry",
        "review",
        "reports",
        "storage",
        "pipeline",
        "api",
    ),
    # The library's face: what ``sparrow.load`` and its siblings need, and never torch.
    "api": ("data", "evaluation", "inference", "predictions", "pipeline.score"),
    "release": ("registry.pyfunc",),  # only what stored models name
}
# Rooms of others that values pass through: rows of a log, a reference, a folder, never a network.
SERVICE_ALLOWED = ("inference", "predictions", "reports.templates")
MONITORING_ALLOWED = ("predictions", "evaluation", "inference.model_folder", "reports")
METAFLOW = ("metaflow", "metaflow.Run", "metaflow.current", "metaflow.namespace")
STORES = {"mlflow", "optuna", "sqlalchemy", "bentoml"}


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


def ground() -> list[str]:
    """Modules that lie in ``sparrow`` itself, and the migrations of our tables."""
    own = [name for name in TREES if name.count(".") == 1 and name.split(".")[1] not in ALLOWED]
    return [name for name in own if name.startswith("sparrow.")]


def forbidden_imports(module: str, allowed: tuple[str, ...]) -> set[str]:
    """What ``module`` imports of ``sparrow`` beyond the ground, its own room and ``allowed``."""
    room = ".".join(module.split(".")[:2]) if module.startswith("sparrow.") else ""
    mine = [*([room] if room else []), *(f"sparrow.{name}" for name in allowed), *ground()]
    return {
        f"{module} imports {name}"
        for name in LATE[module]
        if name in TREES and below(name, ("sparrow",)) and name != "sparrow"
        and not below(name, mine)
        # ``from sparrow.inference.engine import …`` also loads the packages above it
        and not any(one.startswith(name + ".") for one in mine)
    }  # fmt: skip


def test_the_rule_is_read_from_real_files():
    assert len(TREES) > 60
    assert "torch" in EARLY["sparrow.training.loop"]
    assert "mlflow" in EARLY["sparrow.registry.registry"]
    assert "matplotlib.pyplot" in LATE["sparrow.training.study_report"]
    assert "matplotlib.pyplot" not in EARLY["sparrow.training.study_report"]
    # The closure goes through several modules.
    assert "torch" in loaded_by("sparrow.training.trial")


def test_every_room_has_its_rule():
    own = {
        name.split(".")[1] for name in TREES if name.count(".") > 1 and below(name, ("sparrow",))
    }
    assert own - GROUND_ROOMS == set(ALLOWED) - {"api"}


def test_the_ground_imports_nothing_but_itself():
    wrong = {
        f"{module} imports {name}"
        for module in TREES
        if below(module, ground())
        for name in LATE[module]
        if name in TREES and below(name, ("sparrow",)) and name != "sparrow"
        and not below(name, ground())
    }  # fmt: skip
    assert len(ground()) > 5
    assert not wrong


@pytest.mark.parametrize("room", ALLOWED)
def test_rooms_import_only_what_lies_below_them(room):
    modules = rooms(f"sparrow.{room}")
    assert modules
    assert not set().union(*(forbidden_imports(module, ALLOWED[room]) for module in modules))


@pytest.mark.parametrize(
    ("package", "allowed"), [("service", SERVICE_ALLOWED), ("monitoring", MONITORING_ALLOWED)]
)
def test_service_and_monitoring_import_only_what_they_work_with(package, allowed):
    modules = rooms(package)
    assert modules
    assert not set().union(*(forbidden_imports(module, allowed) for module in modules))


def test_torch_stays_where_networks_are():
    users = {
        module
        for module, names in LATE.items()
        if below(module, ("sparrow",)) and any(name.split(".")[0] in TORCH for name in names)
    }
    assert users
    assert {module for module in users if not below(module, TORCH_ROOMS)} == set()


def test_reports_never_read_a_store():
    wrong = {
        f"{module} imports {name}"
        for module in rooms("sparrow.reports")
        for name in LATE[module]
        if name.split(".")[0] in STORES
    }
    assert not wrong


def test_html_is_written_in_templates_alone():
    """A tag in a string of Python would need its own escaping; Jinja2 does it for every page."""
    tag = re.compile(
        r"<(!doctype|/?(a|b|div|figure|h[1-6]|html|img|li|p|span|style|table|t[dhr]))\b"
    )
    wrong = {
        f"{module}, line {node.lineno}: {node.value[:40]!r}"
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if tag.search(node.value)
    }
    assert tag.search("<p class='x'>")
    assert not wrong


def test_no_module_imports_itself_through_others():
    """Late imports count too: a circle that is hidden in a function is a circle."""
    ours = {
        module: {name for name in names if name in TREES and not below(module, (name,))}
        for module, names in LATE.items()
    }
    for start in ours:
        seen, waiting = set(), list(ours[start])
        while waiting:
            one = waiting.pop()
            assert one != start, f"{start} is imported by what it imports"
            if one not in seen:
                seen.add(one)
                waiting += ours[one]


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
    # A promotion moves the tags of runs.
    assert not wrong | (library - {f"sparrow.registry.run_tags imports {x}" for x in METAFLOW})


def forbidden_of(module: str) -> set[str]:
    if below(module, ("monitoring",)):
        return MONITORING_FORBIDDEN
    return SERVING_FORBIDDEN


@pytest.mark.parametrize(
    "module",
    [
        *rooms("sparrow.inference"),
        "sparrow.cli.main",
        "sparrow.cli.status",
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


def test_templates_need_jinja_alone():
    """The service renders its pages with them."""
    loaded = {name.split(".")[0] for name in loaded_by("sparrow.reports.templates")}
    assert loaded - set(sys.stdlib_module_names) == {"sparrow", "jinja2"}
    assert loaded_by("sparrow.reports.templates").keys() & TREES.keys() == {
        "sparrow", "sparrow.reports", "sparrow.reports.glossary",
    }  # fmt: skip


def test_importing_the_package_imports_nothing():
    assert EARLY["sparrow"] == set()


def test_the_runtime_leaves_torch_out_for_real():
    """The rule above reads source; this one asks the interpreter."""
    code = (
        "import sys, sparrow.inference.engine\n"
        f"print([name for name in {sorted(SERVING_FORBIDDEN)} if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("library", "users"),
    [
        ("tqdm", ("sparrow.progress",)),
        # Elsewhere ``filelock``, which knows no lock that several processes share.
        ("fcntl", ("sparrow.storage.run_lock", "sparrow.storage.plan", "sparrow.training")),
    ],
)
def test_one_progress_display_and_one_kind_of_lock(library, users):
    modules = {module for module, names in LATE.items() if library in names}
    assert modules
    assert {module for module in modules if not below(module, users)} == set()
