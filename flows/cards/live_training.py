"""Training as it goes: lines for the terminal, and a card that grows by a point each epoch."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from cards.parts import add, chart, picture, progress_bar, refresh, text
from sparrow.config import Config
from sparrow.data.licences import attribution, not_shown_words, shown_photos
from sparrow.data.tables import Dataset
from sparrow.pipeline.train import (
    CHECKPOINTS,
    Trained,
    take_over_checkpoint,
    train_model,
    training_photos,
)
from sparrow.pipeline.training_run import RunPlace
from sparrow.reports.markdown import as_markdown

if TYPE_CHECKING:
    from sparrow.training.epoch_record import EpochRecord
    from sparrow.training.task import TrainingTask

CARD = "training"
CHANGES = "modified: changed at random, boxes drawn in"


def train_in_view(tuned: Config, dataset: Dataset, place: RunPlace) -> Trained:
    """Train with the card open: what the network sees, then a point on the curves each epoch."""
    from sparrow.training.loop import TrainingHooks
    from sparrow.training.task import load_task

    task = load_task(tuned, dataset)
    before = take_over_checkpoint(tuned, dataset, task, place.folder / CHECKPOINTS)
    epochs = before + tuned.training.epochs
    live = LiveTraining(epochs)
    _show_photos(live, tuned, dataset, task)

    def on_epoch(history: tuple[EpochRecord, ...]) -> None:
        _print_epoch(history[-1], epochs)
        live.update(tuple(record.row() for record in history))
        place.publish()

    trained = train_model(tuned, dataset, task, place, TrainingHooks(on_epoch, _batch_counter()))
    if trained.stopped:
        print(f"training ended early: {trained.stopped}")
    live.update(trained.history)  # a resumed run may have had nothing left to train
    return trained


def _show_photos(live: LiveTraining, tuned: Config, dataset: Dataset, task: TrainingTask) -> None:
    """Those of the training photos that the config allows to show, with whose they are."""
    from sparrow.reports.evaluation_pictures import training_picture

    shown = shown_photos(dataset, tuned.data.show_licenses)
    seen = training_photos(task, set(shown.images["image"]))
    png = training_picture(list(seen.values())) if seen else None
    rows = shown.images.set_index("image", drop=False)
    credits = [attribution(rows.loc[name].to_dict(), CHANGES) for name in seen]
    live.show_photos(png, credits or [not_shown_words(tuned.data.show_licenses)])


def show_worker_rank(rank: int, size: int) -> None:
    """The training card of a process that shares the batches and keeps nothing."""
    words = f"# Training\nProcess {rank + 1} of {size}: the card of the first shows how it goes."
    add(text(words), card=CARD)


class LiveTraining:
    """The training card: a bar over the epochs, curves of loss and score after each epoch."""

    def __init__(self, epochs: int) -> None:
        self._bar = progress_bar(epochs, "Epochs")
        self._specs = (
            _curve("loss", ["loss"]),
            _curve("share", ["f_beta", "precision", "recall"]),
        )
        self._charts = tuple(chart(spec) for spec in self._specs)
        add(
            text("# Training"), self._bar, text("### Loss"), self._charts[0],
            text("### Validation, at the best threshold"), self._charts[1], card=CARD,
        )  # fmt: skip
        refresh(CARD)

    def show_photos(self, png: bytes | None, credits: Sequence[str]) -> None:
        """What the network is given, random changes and boxes included.

        Args:
            png: None where no photo may be shown.
            credits: whose the photos are, or why there are none.
        """
        add(text("### Training photos as the network sees them"), card=CARD)
        if png is not None:
            add(picture(png, "at its size, changed as in the first epoch"), card=CARD)
        add(text("\n\n".join(map(as_markdown, credits))), card=CARD)
        refresh(CARD)

    def update(self, history: tuple[dict[str, Any], ...]) -> None:
        """Draw the epochs so far, each a row with epoch, loss, f_beta, precision, recall."""
        self._bar.update(len(history))
        rows = [
            {name: row[name] for name in ("epoch", "loss", "f_beta", "precision", "recall")}
            for row in history
        ]
        for curves, spec in zip(self._charts, self._specs, strict=True):
            curves.update({**spec, "data": {"values": rows}})
        refresh(CARD)


def _batch_counter() -> Callable[[int, int, int], None]:
    started = time.monotonic()

    def count(epoch: int, done: int, total: int) -> None:
        if done % max(1, total // 4) == 0 and done < total:
            seconds = time.monotonic() - started
            print(f"  epoch {epoch}: batch {done} of {total}, {seconds:.0f} s", flush=True)

    return count


def _print_epoch(record: EpochRecord, epochs: int) -> None:
    print(
        f"epoch {record.epoch:>2} of {epochs}: loss {record.loss:.3f}, validation F-beta "
        f"{record.f_beta:.3f} (precision {record.precision:.2f}, recall {record.recall:.2f}), "
        f"{record.photos_per_second:.1f} photos/s",
        flush=True,
    )


def _curve(unit: str, series: list[str]) -> dict[str, Any]:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": 620,
        "height": 240,
        "data": {"values": []},
        "transform": [{"fold": series, "as": ["series", "value"]}],
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": {"field": "epoch", "type": "quantitative", "axis": {"tickMinStep": 1}},
            "y": {"field": "value", "type": "quantitative", "title": unit},
            "color": {"field": "series", "type": "nominal", "title": None},
        },
    }
