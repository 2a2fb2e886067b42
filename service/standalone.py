"""The page by itself, without BentoML's server around it: what ``sparrow export-space`` starts."""

from __future__ import annotations

from sparrow.telemetry import switch_off

switch_off()

from service.desk import Desk  # noqa: E402
from service.logs import set_up_logs  # noqa: E402
from service.page import EXAMPLES, STYLE, THEME, make_page  # noqa: E402
from service.settings import read_settings  # noqa: E402


def main() -> None:
    """Serve the page until it is stopped."""
    set_up_logs()
    settings = read_settings()
    desk = Desk(settings)
    try:
        make_page(settings, lambda: desk).launch(
            theme=THEME,
            css=STYLE,
            footer_links=[],
            max_file_size=int(settings.limits.max_request_mb * 1_000_000),
            allowed_paths=[str(path) for path in EXAMPLES],
        )
    finally:
        desk.close()
