"""An evaluation's curves as PNG."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sparrow.evaluation.count_check import Reliability
    from sparrow.evaluation.evaluate import Evaluation

INK, ACCENT, SECOND, FAINT = "#333333", "#0b6e99", "#d9730d", "#b8b8b8"


def precision_recall_png(evaluation: Evaluation) -> bytes:
    """Precision over recall at the headline IoU, with the operating point."""
    figure, axes = new_figure()
    curves, headline = evaluation.curves, evaluation.headline
    recall, precision = headline["recall"], headline["precision"]
    # Recall at which each precision can be had: best score first.
    axes.plot(curves["recall"], curves["precision"], color=ACCENT, lw=2)
    _point(axes, recall.value, precision.value, f"threshold {evaluation.threshold:.2f}")
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.02), ylim=(0, 1.03))
    axes.set_title(f"Precision and recall at IoU {evaluation.iou:g}; AP50 {headline['ap50']}")
    return png_of(figure)


def threshold_png(evaluation: Evaluation) -> bytes:
    """F-beta, precision and recall over the threshold, with the operating threshold."""
    figure, axes = new_figure()
    curves = evaluation.curves
    name = f"F{evaluation.beta:g}"
    for key, label, color, width in (
        ("precision", "precision", FAINT, 1.5),
        ("recall", "recall", SECOND, 1.5),
        ("f_beta", name, ACCENT, 2.5),
    ):
        axes.plot(curves["threshold"], curves[key], color=color, lw=width, label=label)
    axes.axvline(evaluation.threshold, color=INK, lw=1, ls=":")
    _point(axes, evaluation.threshold, evaluation.f_beta.value, f"{evaluation.f_beta.value:.3f}")
    axes.set(xlabel="score threshold", xlim=(0, 1), ylim=(0, 1.03))
    axes.set_title(f"{name} at IoU {evaluation.iou:g}: {evaluation.f_beta}")
    axes.legend(frameon=False, loc="lower left")
    return png_of(figure)


def reliability_png(reliability: Reliability) -> bytes:
    """Fraction of right detections over their probability; dots as large as the bins are full."""
    from matplotlib.collections import PathCollection

    figure, axes = new_figure()
    axes.plot([0, 1], [0, 1], color=FAINT, lw=1.5, ls="--", label="perfectly calibrated")
    axes.plot(reliability.probability, reliability.right, color=ACCENT, lw=1.5)
    axes.scatter(
        reliability.probability,
        reliability.right,
        s=20 + 600 * reliability.weight,
        color=ACCENT,
        alpha=0.7,
        label="observed (dot size: detections)",
        zorder=3,
    )
    axes.set(xlabel="probability of being right", ylabel="fraction that is right")
    axes.set(xlim=(-0.04, 1.04), ylim=(-0.04, 1.04))
    axes.set_title(f"Calibration error {reliability.error:.3f}")
    for handle in axes.legend(frameon=False, loc="upper left").legend_handles:
        if isinstance(handle, PathCollection):
            handle.set_sizes([60])
    return png_of(figure)


def count_png(per_photo: pd.DataFrame) -> bytes:
    """Predicted over true count, one dot per pair of numbers, as large as photos have it."""
    figure, axes = new_figure()
    pairs = per_photo.groupby(["n_true", "n_predicted"]).size().reset_index(name="photos")
    top = max(int(pairs[["n_true", "n_predicted"]].max().max()), 1)
    axes.plot([0, top], [0, top], color=FAINT, lw=1.5, ls="--", zorder=1)
    size = 30 * np.sqrt(pairs["photos"]) * min(1.0, 12 / top) + 6
    exact = pairs["n_true"] == pairs["n_predicted"]
    colors = np.where(exact, ACCENT, SECOND)
    axes.scatter(pairs["n_true"], pairs["n_predicted"], s=size, c=colors, alpha=0.75, zorder=2)
    exact_fraction = (per_photo["n_true"] == per_photo["n_predicted"]).mean()
    error = (per_photo["n_true"] - per_photo["n_predicted"]).abs().mean()
    axes.set(xlabel="objects in the photo", ylabel="objects counted")
    axes.set(xlim=(-0.5, top + 0.5), ylim=(-0.5, top + 0.5), aspect="equal")
    axes.locator_params(integer=True)
    axes.set_title(f"{exact_fraction:.0%} exact; off by {error:.2f} on average")
    return png_of(figure)


def slices_png(slices: pd.DataFrame, headline: float, name: str) -> bytes:
    """F-beta of every slice with its interval, against the headline score."""
    figure, axes = new_figure(height=0.9 + 0.34 * len(slices))
    rows = np.arange(len(slices))[::-1]
    value = slices["f_beta"].to_numpy()
    low, high = (slices[name].fillna(slices["f_beta"]).to_numpy() for name in ("low", "high"))
    spread = [value - low, high - value]
    axes.axvline(headline, color=FAINT, lw=1.5, ls="--")
    axes.errorbar(value, rows, xerr=spread, fmt="o", color=ACCENT, ecolor=FAINT, elinewidth=3)
    labels = [f"{row.slice}  ({row.photos})" for row in slices.itertuples()]
    axes.set_yticks(rows, labels, parse_math=False)  # a name may have dollars
    axes.set(xlim=(0, 1.02), xlabel=name)
    axes.grid(axis="y", visible=False)
    axes.set_title(f"{name} by slice (photos); dashed: all of them, {headline:.3f}")
    return png_of(figure)


def evaluation_pngs(evaluation: Evaluation) -> Mapping[str, bytes]:
    """All figures of an evaluation by file name."""
    name = f"F{evaluation.beta:g}"
    return {
        "precision_recall.png": precision_recall_png(evaluation),
        "threshold.png": threshold_png(evaluation),
        "counts.png": count_png(evaluation.per_photo),
        "slices.png": slices_png(evaluation.slices, evaluation.f_beta.value, name),
    }


def new_figure(height: float = 4.2) -> tuple[Figure, Axes]:
    """An empty figure in the project's style, 6 inches wide."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, height), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)  # no pyplot: nothing global, nothing to close
    axes = figure.add_subplot()
    axes.grid(color="#e8e8e8", lw=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.title.set_fontsize(10)
    return figure, axes


def _point(axes: Axes, x: float, y: float, text: str) -> None:
    axes.scatter([x], [y], s=60, color=INK, zorder=4)
    right = x > 0.6
    axes.annotate(
        text,
        (x, y),
        xytext=(-10 if right else 10, 10 if y < 0.9 else -18),
        textcoords="offset points",
        ha="right" if right else "left",
        color=INK,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
    )


def png_of(figure: Figure) -> bytes:
    """The figure as PNG; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
