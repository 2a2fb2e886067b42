"""Files that come with the package but are no code: configs, the flows, what the service installs.

In a clone they are beside the package, where people edit them; a wheel carries them inside it
(``setup.py``). There is one copy of each.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from sparrow import __version__

PACKAGE = Path(__file__).resolve().parent
DEMO = "configs/demo.yaml"
SERVE_LOCK = "requirements-serve.lock"


def shipped(name: str) -> Path:
    """The file of that name, relative to the clone or to the package; it may not exist."""
    beside = PACKAGE.parent / name
    return beside if beside.exists() else PACKAGE / name


def default_config() -> Path:
    """The demo's config: of the working folder, or the one of the package."""
    own = Path(DEMO)
    return own if own.is_file() else shipped(DEMO)


def install_command(extra: str) -> str:
    """What a person types to install the libraries of an extra.

    Never the package's bare name, which belongs to another project on the public index.
    """
    if (PACKAGE.parent / "pyproject.toml").is_file():
        return f"pip install -e '.[{extra}]'"
    return f"pip install 'FOLDER/sparrow-{__version__}-py3-none-any.whl[{extra}]'"


def flow_command(flow: str) -> str:
    """What a person types in the working folder to start a flow, of a clone or of a wheel."""
    here = Path("flows", f"{flow}.py")
    in_clone = PACKAGE.parent / here
    if not in_clone.is_file():
        return f"python -m sparrow.flows.{flow}"
    beside = here.is_file() and here.samefile(in_clone)
    return f"python {here if beside else shlex.quote(str(in_clone))}"
