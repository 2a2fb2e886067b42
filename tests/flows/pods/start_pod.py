"""Start a step in a pod of its own; of a parallel step, one for each of its tasks.

A pod has a file system in memory, with the system and the Python environment read-only in it, and
process ids of its own. It shares the loopback network, behind which S3 and PostgreSQL are.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

INSIDE = Path(__file__).with_name("inside_pod.py")
REPORT = "SPARROW_TEST_POD_REPORT"  # a file that every pod appends a line to, through a descriptor
HANDED_ON = ("METAFLOW_", "AWS_", "MLFLOW_", "PG", "SPARROW_TEST_LOG", "SPARROW_TEST_STUDY")
SYSTEM = ("/usr", "/etc", "/lib", "/lib64", "/bin", "/sbin")
HOME = "/home/pod"


def main(spec: dict[str, str], words: list[str]) -> int:
    """The exit status: 0 where all pods ended well."""
    if "--local-config-file" in words:  # a file of this machine: pods read the code package's
        at = words.index("--local-config-file")
        words = words[:at] + words[at + 2 :]
    size = 1
    if "--num-parallel" in words:
        size = int(words[words.index("--num-parallel") + 1])
    pods = [start(spec, own_words(words, index), index, size) for index in range(size)]
    return max(abs(pod.wait()) for pod in pods)


def own_words(words: list[str], index: int) -> list[str]:
    """The command line of the task of a parallel step, named as Metaflow names it in a JobSet."""
    if "--num-parallel" not in words:
        return words
    own = [*words]
    for option, value in (("--split-index", str(index)), ("--ubf-context", None)):
        if option in own:
            at = own.index(option)
            del own[at : at + 2]
        own += [option, value or ("ubf_task" if index else "ubf_control")]
    if index:
        own[own.index("--task-id") + 1] += f"-worker-{index - 1}"
    return own


def start(spec: dict[str, str], words: list[str], index: int, size: int) -> subprocess.Popen[bytes]:
    """A pod that runs the step."""
    environment = {k: v for k, v in os.environ.items() if k.startswith(HANDED_ON)} | {
        "HOME": HOME,
        "PATH": f"{sys.prefix}/bin:/usr/local/bin:/usr/bin:/bin",
        "METAFLOW_RUNTIME_ENVIRONMENT": "pod",
        "MF_PARALLEL_MAIN_IP": "127.0.0.1",
        "MF_PARALLEL_NUM_NODES": str(size),
        "MF_PARALLEL_NODE_INDEX": str(index),
    }
    report = os.open(os.environ[REPORT], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    given = {**spec, "name": f"{spec['step']}/{spec['task']}/{index}", "report": report}
    command = [
        "bwrap", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent",
        "--clearenv", *(w for item in environment.items() for w in ("--setenv", *item)),
        "--tmpfs", "/", *_system(), "--tmpfs", "/tmp", *_python(),
        "--proc", "/proc", "--dev", "/dev",
        "--dir", HOME, "--dir", "/pod", "--dir", "/var/tmp", "--chdir", "/pod",
        "--ro-bind", str(INSIDE), "/inside_pod.py",
        f"{sys.prefix}/bin/python", "-u", "/inside_pod.py", json.dumps(given), *words,
    ]  # fmt: skip
    pod = subprocess.Popen(command, pass_fds=[report])
    os.close(report)
    return pod


def _system() -> list[str]:
    words: list[str] = []
    for path in filter(os.path.exists, SYSTEM):
        link = os.path.islink(path)
        words += ["--symlink", os.readlink(path), path] if link else ["--ro-bind", path, path]
    return words


def _python() -> list[str]:
    """The environment and the interpreter that it was made with."""
    venv, words = os.path.realpath(sys.prefix), []
    for folder in (sys.base_prefix, venv):
        if not folder.startswith(SYSTEM):
            words += ["--ro-bind", folder, folder]
    return words if venv == sys.prefix else [*words, "--symlink", venv, sys.prefix]


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1]), sys.argv[2:]))
