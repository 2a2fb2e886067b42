"""What a service needs before it starts: said in one sentence where it is missing."""

from __future__ import annotations

import sys
from pathlib import Path

from service.settings import Settings, SettingsError, read_settings, require_model
from sparrow.config import ConfigError
from sparrow.inference.model_folder import ModelFolderError, read_info


def settings_to_start_with() -> Settings:
    """Settings of this process, which ``bentoml serve`` checks before it starts a worker.

    BentoML starts a worker that ends with an error again and again, with its traceback each time.
    What no second attempt can change ends ``bentoml serve`` with status 1 and a sentence.

    Raises:
        ConfigError, SettingsError: in a worker, and wherever else the service is imported.
    """
    try:
        settings = read_settings()
        if _is_supervisor():
            require_model(settings)
            read_info(settings.model)
    except (ConfigError, SettingsError, ModelFolderError) as error:
        if not _is_supervisor():
            raise
        print(f"The service cannot start: {error}", file=sys.stderr)
        sys.exit(1)
    return settings


def _is_supervisor() -> bool:
    """Whether this is the process of ``bentoml serve`` itself, which loads the service first."""
    program = Path(sys.argv[0])
    names = {program.name, program.parent.name}  # of `bentoml` and of `python -m bentoml`
    return "bentoml" in names and sys.argv[1:2] == ["serve"]
