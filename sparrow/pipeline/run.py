"""What the first and the last step of ``train.py`` do: note the run, draw photos, free room."""

from __future__ import annotations

from pathlib import Path

from sparrow.config import Config, StoresConfig
from sparrow.pipeline.cards import CARDS, MODEL_CARD, REPORT, write_story
from sparrow.pipeline.classes import settle_classes, with_classes
from sparrow.pipeline.continuation import find_origin
from sparrow.pipeline.run_report import Report, write_report
from sparrow.progress import Progress
from sparrow.store_url import describe_tracking, tracking_url


def begin_run(config: Config, work_dir: Path, run_id: str, progress: Progress) -> None:
    """Note the run as unfinished for ``sparrow status``, and draw the demo's photos.

    Raises:
        ConfigError: a class that the config names does not exist, or takes other parameters; or
            what its training is to go on from is missing or is another detector.
        DataError: the config names no class, and the set does not say which (``classes``).
        MovedStoreError: the project's folder is a copy without the files of its runs.
        ServerAwayError: a database server cannot be reached, or its driver is missing.
    """
    from sparrow.storage.places import note_places
    from sparrow.storage.run_lock import join_run
    from sparrow.training.check_names import check_names

    check_names(config)
    find_origin(config)
    _require_stores(config.stores)
    join_run(run_id, work_dir)
    begun = {"run": run_id, "name": config.name, "state": "unfinished"}
    write_report(work_dir, begun | note_places(config))
    print(describe_tracking(config.stores.tracking), flush=True)
    prepare_data(config, progress)
    for line in settle_classes(config, work_dir):
        print(line, flush=True)
    if not config.data.classes:  # only now is it known whether they are those of the origin
        find_origin(with_classes(config, work_dir))


def _require_stores(stores: StoresConfig) -> None:
    """Ask every database server that a training needs; a project that was moved is followed."""
    from sparrow.database_server import require_server
    from sparrow.registry.moved_store import follow_moves

    tracking = tracking_url(stores.tracking)
    for url in (tracking, stores.registry, stores.tuning, stores.promotion_log):
        require_server(url or "")
    follow_moves(stores)


def end_run(config: Config, work_dir: Path, report: Report) -> list[str]:
    """Write the report, note the run as finished, and delete what is over a budget.

    Returns:
        Where the report is, and a line for each thing deleted.
    """
    from sparrow.storage.places import note_places, places_of
    from sparrow.storage.plan import keep_within_budget

    documents = {REPORT: report.document, MODEL_CARD: report.model_card}
    write_story(config, report.values["mlflow_run_id"], work_dir / CARDS, documents)
    write_report(work_dir, report.values | {"name": config.name, **note_places(config)})
    page = work_dir / CARDS / f"{REPORT}.html"
    return [f"report: {page}", *keep_within_budget(places_of(config), work_dir)]


def prepare_data(config: Config, progress: Progress | None = None) -> None:
    """Draw the demo's photos where the config asks for them and they are not there yet."""
    wanted = config.data.generate
    if wanted is None or Path(config.data.root).exists():
        return
    from sparrow.data.synthetic.generate import generate_dataset
    from sparrow.data.synthetic.settings import SyntheticSettings

    # Two first runs at once: the second waits for the first one's photos and takes them.
    settings = SyntheticSettings(wanted.photos, wanted.seed)
    generate_dataset(Path(config.data.root), settings, keep_existing=True, progress=progress)
