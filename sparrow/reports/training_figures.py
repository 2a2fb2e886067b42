"""How a training went, epoch by epoch, as PNG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sparrow.reports.figures import ACCENT, FAINT, INK, SECOND, new_figure, png_of

Epochs = Sequence[Mapping[str, Any]]  # rows of ``EpochRecord.row()``
LOSS_COLORS = (SECOND, "#6a51a3", "#2e8b57", FAINT)


def training_figures(history: Epochs, best_epoch: int, beta: float) -> dict[str, bytes]:
    """Losses and validation scores over the epochs: title -> PNG; none without an epoch."""
    if not history:
        return {}
    return {
        "Loss by epoch": loss_png(history, best_epoch),
        f"F{beta:g} by epoch": score_png(history, best_epoch, beta),
    }


def loss_png(history: Epochs, best_epoch: int) -> bytes:
    """The training loss and its parts, with the epoch that was kept."""
    figure, axes = new_figure()
    epochs = [row["epoch"] for row in history]
    axes.plot(epochs, [row["loss"] for row in history], "o-", color=ACCENT, lw=2.5, label="sum")
    names = list(history[0].get("losses", {}))
    for name, color in zip(names, LOSS_COLORS, strict=False):
        values = [row["losses"][name] for row in history]
        axes.plot(epochs, values, "o-", ms=3, color=color, lw=1.3, label=name.replace("_", " "))
    _mark_best(axes, best_epoch)
    axes.set(xlabel="epoch", ylabel="training loss", ylim=(0, None))
    axes.set_title(f"Training loss; the kept epoch is {best_epoch} of {len(history)}")
    axes.legend(frameon=False, loc="best", fontsize=8)
    return png_of(figure)


def score_png(history: Epochs, best_epoch: int, beta: float) -> bytes:
    """F-beta, precision and recall of the validation photos, each at its epoch's best threshold."""
    figure, axes = new_figure()
    epochs = [row["epoch"] for row in history]
    for key, label, color, width in (
        ("precision", "precision", FAINT, 1.5),
        ("recall", "recall", SECOND, 1.5),
        ("f_beta", f"F{beta:g}", ACCENT, 2.5),
    ):
        axes.plot(epochs, [row[key] for row in history], "o-", color=color, lw=width, label=label)
    _mark_best(axes, best_epoch)
    axes.set(xlabel="epoch", ylabel="on validation photos", ylim=(0, 1.03))
    best = next((row["f_beta"] for row in history if row["epoch"] == best_epoch), None)
    score = "" if best is None else f": {best:.3f} in epoch {best_epoch}"
    axes.set_title(f"F{beta:g} of the validation photos{score}")
    axes.legend(frameon=False, loc="lower right")
    return png_of(figure)


def _mark_best(axes: Any, epoch: int) -> None:  # Any: matplotlib is imported where it draws
    axes.axvline(epoch, color=INK, lw=1, ls=":")
    axes.locator_params(axis="x", integer=True)
