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
    "data", "predictions", "detectors", "evaluation", "training", "inference", "export", "visits",
    "interchange",
)  # fmt: skip
ALLOWED: dict[str, tuple[str, ...]] = {
    "data": ("storage.object_store",),
    "predictions": (),
    "detectors": (),
    "evaluation": ("data",),
    "training": ("detectors", "data", "evaluation"),
    "inference": ("evaluation.counting", "evaluation.training_distribution", "predictions"),
    # Times and counts of photos that were counted: no pixels, no model.
    "visits": ("data.photo_origin",),
    # What was counted, for other programs: no pixels, no model.
    "interchange": ("predictions", "visits"),
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
    "api": (
        "data",
        "evaluation",
        "inference",
        "predictions",
        "pipeline.score",
        "pipeline.train_alone",
    ),
    "release": ("registry.pyfunc",),  # only what stored models name
}
# Rooms of others that values pass through: rows of a log, a reference, a folder, never a network.
SERVICE_ALLOWED = ("inference", "predictions", "reports.templates", "visits")
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
        *rooms("sparrow.visits"),
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


def test_one_progress_display():
    assert {module for module, names in LATE.items() if "tqdm" in names} == {"sparrow.progress"}


PORTABLE = "sparrow.portable"  # the one module that asks what the system has
NOT_EVERYWHERE = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "posix",
                  "msvcrt", "winreg", "ctypes"}  # fmt: skip
# Of ``os`` and ``signal`` on Linux, by Python's documentation: not on Windows, or not on macOS.
LACKING = {
    "os": {
        "O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "O_SYNC", "O_TMPFILE", "chown",
        "copy_file_range", "fchmod", "fchown", "fork", "forkpty", "getegid", "geteuid", "getgid",
        "getloadavg", "getpgid", "getuid", "killpg", "lchown", "link", "memfd_create", "mkfifo",
        "mknod", "nice", "posix_fadvise", "posix_fallocate", "posix_spawn", "pread", "pwrite",
        "sched_getaffinity", "sched_setaffinity", "sendfile", "setgid", "setpgid", "setpriority",
        "setsid", "setuid", "statvfs", "symlink", "sync", "sysconf", "uname", "wait", "wait3",
    },
    "signal": {"SIGALRM", "SIGCHLD", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGQUIT", "SIGSTOP",
               "SIGUSR1", "SIGUSR2", "alarm", "pthread_kill", "setitimer"},
    "socket": {"AF_UNIX", "SO_REUSEPORT", "recv_fds", "send_fds", "socketpair"},
}  # fmt: skip
ARGUMENTS = {"pass_fds", "preexec_fn", "start_new_session", "process_group", "dir_fd",
             "src_dir_fd", "dst_dir_fd"}  # fmt: skip
METHODS = {"symlink_to", "hardlink_to", "lchmod", "owner", "group_owner", "is_mount"}
SYSTEM_PATHS = re.compile(r"^/(proc|dev|sys|run|etc|tmp|var|usr)(/|$)")


def of_one_system(tree: ast.AST) -> Iterator[str]:
    """What a module uses that some operating systems do not have."""
    yield from (name for name in imported(tree, inside_functions=True) if name in NOT_EVERYWHERE)
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=module), attr=name):
                if name in LACKING.get(module, ()):
                    yield f"{module}.{name}"
            case ast.ImportFrom(module=str(module), names=names):
                for alias in names:
                    if alias.name in LACKING.get(module, ()):
                        yield f"{module}.{alias.name}"
            case ast.keyword(arg=str(name)) if name in ARGUMENTS:
                yield f"{name}="
            case ast.Constant(value=str(text)) if SYSTEM_PATHS.match(text):
                yield text
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in METHODS:
                yield f".{node.func.attr}()"
            if node.func.attr == "get_context" and "spawn" not in ast.unparse(node):
                yield ast.unparse(node)


def test_what_not_every_system_has_is_behind_one_place():
    wrong = {
        f"{module} uses {name}"
        for module, tree in TREES.items()
        if module != PORTABLE
        for name in of_one_system(tree)
    }
    assert {"fcntl", "resource", "os.link", "pass_fds=", "/proc/self/fd"} <= set(
        of_one_system(TREES[PORTABLE])
    )
    assert not wrong


def test_files_are_read_and_written_in_utf_8_whatever_the_system_prefers():
    """Windows takes a code page of its country where a text file's encoding is not named."""
    wrong = [
        f"{module}, line {call.lineno}: {ast.unparse(call)[:60]}"
        for module, tree in TREES.items()
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and opens_text(call)
        if not {"encoding", None} & {word.arg for word in call.keywords}
    ]
    assert not wrong


NO_TEXT_FILES = ("os.open", "Image.open", "page.open", "build_opener(_NoRedirects).open")


def opens_text(call: ast.Call) -> bool:
    """Whether a call reads or writes text in an encoding that somebody has to choose."""
    called = ast.unparse(call.func)
    if any(word.arg == "text" and ast.unparse(word.value) == "True" for word in call.keywords):
        return True  # a program's output
    if called.endswith((".read_text", ".write_text")):
        return not called.startswith("distribution(")  # a package's own, always UTF-8
    is_open = called in ("open", "os.fdopen") or called.endswith(".open")
    return is_open and called not in NO_TEXT_FILES and is_text_mode(call)


def is_text_mode(call: ast.Call) -> bool:
    """Whether a call of ``open`` or ``.open`` asks for text."""
    positional = call.args if ast.unparse(call.func).endswith(".open") else call.args[1:]
    modes = [*positional[:1], *(word.value for word in call.keywords if word.arg == "mode")]
    first = modes[0].value if modes and isinstance(modes[0], ast.Constant) else "r"
    return isinstance(first, str) and set(first) <= set("rwax+t")
