"""What pyproject.toml cannot say: a wheel carries files that lie beside the package in a clone.

They are found by ``sparrow.shipped``. All else stands in pyproject.toml.
"""

from __future__ import annotations

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HOME = Path(__file__).parent
BESIDE = ("configs/*.yaml", "flows/**/*.py", "requirements-serve.lock", "LICENSE")


class BuildWithShipped(build_py):
    """``build_py``, and then the files beside the package, into it."""

    def run(self) -> None:
        """Copy them; an editable install finds them where they are."""
        super().run()
        if self.editable_mode:
            return
        for source in _shipped():
            target = Path(self.build_lib, "sparrow", source)
            self.mkpath(str(target.parent))
            self.copy_file(str(HOME / source), str(target))

    def get_source_files(self) -> list[str]:
        """What a source distribution must hold so that a wheel can be built from it."""
        return [*super().get_source_files(), *_shipped()]


def _shipped() -> list[str]:
    return [str(path.relative_to(HOME)) for name in BESIDE for path in sorted(HOME.glob(name))]


setup(cmdclass={"build_py": BuildWithShipped})
