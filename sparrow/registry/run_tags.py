"""Tags of Metaflow runs: the run of the champion is tagged ``champion``, that before ``previous``.

The promotion log decides and the tags follow. Runs are kept elsewhere and may be gone (cleaned
away, or another machine's), so nothing here ends a promotion: what could not be tagged is said. It
is the library's only use of Metaflow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparrow.registry.publisher import CHAMPION, PREVIOUS

if TYPE_CHECKING:
    from metaflow import Run

    from sparrow.registry.registry import Registry
    from sparrow.registry.versions import Version

RUN = "metaflow_run_path"  # a version's tag: "Train/1764290000", the run that registered it
_KEY, _FLOW = "metaflow_run", "Train"  # what versions of earlier releases say of their run


def current_run() -> str | None:
    """``Flow/run`` of the step that this process runs; None outside a flow."""
    import sys

    if "metaflow" not in sys.modules:  # a flow has imported it
        return None
    from metaflow import current

    run_id = getattr(current, "run_id", None)
    return f"{current.flow_name}/{run_id}" if run_id else None


def run_of(version: Version) -> str | None:
    """``Flow/run`` of the run that registered a version; None where no run did."""
    if RUN in version.tags:
        return version.tags[RUN]
    key = version.tags.get(_KEY)
    return f"{_FLOW}/{key}" if key else None


def move_run_tags(registry: Registry) -> list[str]:
    """Bring the tags of a model's runs to what the registry says; lines about what was not tagged.

    Runs of other models are not touched: only versions that are or were champion are looked at.
    Doing it again changes nothing.
    """
    state = registry.state()
    named = {CHAMPION: state.champion, PREVIOUS: state.previous}
    numbers = {entry.to_version for entry in registry.history()}
    numbers |= {version.number for version in named.values() if version}
    lines = []
    for version in registry.versions():
        if version.number not in numbers:
            continue
        wanted = {
            tag for tag, holder in named.items() if holder and holder.number == version.number
        }
        fault = _set_tags(run_of(version), wanted)
        if fault is not None and wanted:
            what = " and ".join(sorted(wanted))
            lines.append(
                f"version {version.number} is {what}, but its run has no such tag: {fault}"
            )
    return lines


def _set_tags(path: str | None, wanted: set[str]) -> str | None:
    """Of both tags, leave a run those that are wanted; what prevented it, else None."""
    if path is None:
        return None  # registered by hand: there is nothing to tag
    try:
        run = _find(path)
        now = {CHAMPION, PREVIOUS} & set(run.user_tags)
        if now != wanted:
            run.replace_tags(sorted(now - wanted), sorted(wanted - now))
    except ImportError as error:
        return f"Metaflow is not installed here ({error})"
    except (
        Exception
    ) as error:  # a service that does not answer, a damaged store, a run that is gone
        return f"{path} is not in Metaflow's store here, or it could not be tagged ({error})"
    return None


def _find(path: str) -> Run:
    from metaflow import Run, namespace

    namespace(None)  # without one, Metaflow asks who the user is, and root has no name
    return Run(path, _namespace_check=False)
