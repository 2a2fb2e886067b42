"""``sparrow export-space``: the page and its model as one folder that runs by itself."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from sparrow.config import ServiceConfig, StoresConfig
from sparrow.served_settings import (
    ServedSettings,
    earlier_settings,
    read_served_settings,
    registered_version,
)
from sparrow.shipped import PACKAGE, SERVE_LOCK, shipped

if TYPE_CHECKING:
    from sparrow.inference.model_folder import ModelInfo

ROOT = PACKAGE.parent  # a clone or site-packages: the service is beside the package
SOURCES = ("sparrow", "service")
APP = '''"""Starts the page; the model is beside this file."""

import os
from pathlib import Path

os.environ.setdefault("SPARROW_MODEL", str(Path(__file__).parent / "model"))

from service.standalone import main  # noqa: E402

main()
'''


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "export-space",
        help="the page and its model as one folder, to push to a Space",
        description="Write a folder that holds the page, the library, the model and what to "
        "install. `python app.py` in it starts the page.",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder to make")
    parser.add_argument("--model", type=Path, metavar="DIR", help="model folder (the champion)")
    parser.set_defaults(func=export_space)


def export_space(arguments: argparse.Namespace) -> int:
    """Write the folder; an existing one is refused."""
    from sparrow.inference.model_folder import read_info
    from sparrow.registry.bundle import copy_model
    from sparrow.registry.notice import write_notices
    from sparrow.registry.space_card import APP_FILE, REQUIREMENTS, space_readme

    folder: Path = arguments.folder
    model = arguments.model or Path(StoresConfig().champion)
    info = read_info(model)
    requirements = shipped(SERVE_LOCK)
    if not requirements.is_file():
        raise ValueError(f"expected {requirements}; export from a clone of the repo")
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder} is not empty; name a folder to make")
    for part in SOURCES:
        ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
        shutil.copytree(ROOT / part, folder / part, ignore=ignore)
    settings = _settings_of(model, info)
    copy_model(model, folder / "model", settings)
    shutil.copy(requirements, folder / REQUIREMENTS)
    (folder / APP_FILE).write_text(APP)
    write_notices(folder / "model", info, folder)
    text = space_readme(folder / "model", info, str(settings.version), requirements)
    (folder / "README.md").write_text(text, encoding="utf-8")
    key = ", with SPARROW_API_KEY set" if settings.service.require_api_key else ""
    print(f"{info.name} and its page are in {folder}; start it with: python app.py{key}")
    return 0


def _settings_of(model: Path, info: ModelInfo) -> ServedSettings:
    """What the model is served with here; of the stores, none goes along."""
    beside, earlier = read_served_settings(model), earlier_settings(info.config)
    return ServedSettings(
        name=beside.name if beside else info.name,
        version=registered_version(model),
        service=beside.service if beside else earlier[0] if earlier else ServiceConfig(),
    )
