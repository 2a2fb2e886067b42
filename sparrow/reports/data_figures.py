"""A first look at the data: figures as PNG bytes, ready for a card or a page.

Figures are drawn on the object-oriented interface of matplotlib: no global state, no display.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sparrow.boxes import box_areas
from sparrow.data.split.capture import cameras
from sparrow.data.tables import UNKNOWN, XYXY, Dataset
from sparrow.drawing.pictures import encode_png, thumbnail
from sparrow.drawing.sheets import SheetStyle, Tile, contact_sheet
from sparrow.plain_text import one_line

Plot = Callable[[Axes], None]

SIZE_INCHES = (6.0, 4.0)
DPI = 110
BROWN, BLUE, INK, GRID = "#a0522d", "#4682b4", "#333333", "#dddddd"
AUTHORS_SHOWN = 20
SHEET_PHOTOS, SHEET_PHOTO_PX = 24, 154
SHEET = SheetStyle(columns=6, tile_px=160, gap_px=0, square=True)


def eda_figures(images: pd.DataFrame, boxes: pd.DataFrame) -> dict[str, bytes]:
    """The four plots of the reference: title -> PNG.

    Args:
        images: ``tables.IMAGE_COLUMNS``; boxes: ``tables.BOX_COLUMNS``; either may be empty.
    """
    plots: dict[str, Plot] = {
        "Objects per photo": lambda axes: _objects_per_photo(axes, images),
        f"Photos per {_taker(images)[0]}": lambda axes: _photos_per_taker(axes, images),
        "Photo sizes": lambda axes: _photo_sizes(axes, images),
        "Mean box sizes": lambda axes: _mean_box_sizes(axes, images, boxes),
    }
    return {title: _draw(title, plot) for title, plot in plots.items()}


def more_figures(images: pd.DataFrame, boxes: pd.DataFrame) -> dict[str, bytes]:
    """Box size against photo size, where boxes are, objects by author, brightness: title -> PNG.

    ``images`` must have been measured (``checks.check_dataset``).
    """
    plots: dict[str, Plot] = {
        "Box size in the photo": lambda axes: _relative_sizes(axes, images, boxes),
        "Where objects are": lambda axes: _centres(axes, images, boxes),
        f"Objects by {_taker(images)[0]}": lambda axes: _objects_by_taker(axes, images),
        "Brightness": lambda axes: _brightness(axes, images),
    }
    return {title: _draw(title, plot) for title, plot in plots.items()}


def contact_sheet_png(dataset: Dataset, photos: int = SHEET_PHOTOS) -> bytes:
    """Photos spread evenly over the table, with their boxes; one that cannot be read is blank."""
    blank, tiles = np.full((1, 1, 3), 255, np.uint8), []
    for name in sheet_photos(dataset, photos)["image"]:
        boxes = dataset.boxes.loc[dataset.boxes["image"] == name, XYXY].to_numpy(dtype=float)
        small = thumbnail(dataset.image_path(name), boxes, SHEET_PHOTO_PX)
        tiles.append(Tile(blank if small is None else small))
    return encode_png(contact_sheet(tiles, SHEET))


def sheet_photos(dataset: Dataset, photos: int = SHEET_PHOTOS) -> pd.DataFrame:
    """The rows of ``images`` that the contact sheet shows, in its order."""
    everyone = len(dataset.images)
    step = max(1.0, everyone / photos)
    return dataset.images.iloc[[int(i * step) for i in range(min(photos, everyone))]]


def _draw(title: str, plot: Plot) -> bytes:
    figure = Figure(SIZE_INCHES, dpi=DPI, layout="constrained")
    figure.suptitle(title, x=0.01, horizontalalignment="left", weight="bold", color=INK)
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.set_axisbelow(True)
    axes.grid(color=GRID, linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(INK)
    plot(axes)
    stream = io.BytesIO()
    # No date and no version inside: the same data gives the same bytes.
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()


def _objects_per_photo(axes: Axes, images: pd.DataFrame) -> None:
    counts = images["n_boxes"].to_numpy()
    top = int(counts.max(initial=0))
    step = max(1, -(-top // 40))
    axes.hist(counts, bins=_whole_bins(0, top, step), color=BROWN, rwidth=0.9)
    mean = f", {counts.mean():.1f} on average" if len(counts) else ""
    empty = int((counts == 0).sum())
    _label(axes, "objects in a photo", "photos", f"{len(counts):,} photos{mean}, {empty:,} without")
    _whole_numbers(axes, x=True)


def _taker(images: pd.DataFrame) -> tuple[str, pd.Series]:
    """What tells who took the photos, "author" or else "camera", and it of those of known ones."""
    owned = images["author"][~images["author"].isin([UNKNOWN, ""])]
    taken_by = pd.Series(cameras(images), images.index, dtype=object)
    if owned.empty and (taken_by != "").any():
        return "camera", taken_by[taken_by != ""]
    return "author", owned


def _takers_words(photos: int, names: pd.Series, noun: str) -> str:
    """``12 authors; of 5 photos none is known``."""
    rest = photos - len(names)
    known = f"{names.nunique():,} {noun}{'' if names.nunique() == 1 else 's'}"
    return known + (f"; of {rest:,} photos it is unknown" if rest else "")


def _photos_per_taker(axes: Axes, images: pd.DataFrame) -> None:
    noun, names = _taker(images)
    photos = names.value_counts().to_numpy()
    top = int(photos.max(initial=1))
    step = max(1, -(-top // 40))
    axes.hist(photos, bins=_whole_bins(1, top, step), color=BLUE, rwidth=0.9)
    _label(axes, f"photos by one {noun}", f"{noun}s", _takers_words(len(images), names, noun))
    _whole_numbers(axes, x=True)


def _photo_sizes(axes: Axes, images: pd.DataFrame) -> None:
    axes.scatter(images["width_px"], images["height_px"], s=18, alpha=0.45, color=BLUE, linewidth=0)
    _square(axes, images[["width_px", "height_px"]].to_numpy(), "as high as wide")
    _label(axes, "photo width (px)", "photo height (px)", "A dot is a photo")


def _mean_box_sizes(axes: Axes, images: pd.DataFrame, boxes: pd.DataFrame) -> None:
    sides = pd.DataFrame(
        {
            "width": boxes["x_max_px"] - boxes["x_min_px"],
            "height": boxes["y_max_px"] - boxes["y_min_px"],
        }
    )
    means = sides.groupby(boxes["image"]).mean()
    counts = images.set_index("image")["n_boxes"].reindex(means.index)
    sizes = 14 + 6 * np.sqrt(counts)
    axes.scatter(means["width"], means["height"], s=sizes, alpha=0.45, color=BROWN, linewidth=0)
    _square(axes, means.to_numpy(), "as high as wide")
    title = "A dot is a photo, larger with more objects"
    _label(axes, "mean box width (px)", "mean box height (px)", title)


def _relative_sizes(axes: Axes, images: pd.DataFrame, boxes: pd.DataFrame) -> None:
    fractions = _side_fractions(images, boxes)
    axes.hist(100 * fractions, bins=np.linspace(0, 100, 41).tolist(), color=BROWN, rwidth=0.9)
    median = f"median {100 * np.median(fractions):.0f} %" if len(fractions) else "no boxes"
    _label(axes, "box side over photo side (%)", "boxes", f"{len(fractions):,} boxes, {median}")
    _whole_numbers(axes)


def _side_fractions(images: pd.DataFrame, boxes: pd.DataFrame) -> np.ndarray:
    """Square root of box area over photo area [B], 0..1."""
    sizes = images.set_index("image")[["width_px", "height_px"]].reindex(boxes["image"])
    area = sizes.prod(axis=1).to_numpy(dtype=float)
    return np.asarray(np.sqrt(box_areas(boxes[XYXY]) / area))


def _centres(axes: Axes, images: pd.DataFrame, boxes: pd.DataFrame) -> None:
    sizes = images.set_index("image")[["width_px", "height_px"]].reindex(boxes["image"])
    x = (boxes["x_min_px"] + boxes["x_max_px"]).to_numpy() / 2 / sizes["width_px"].to_numpy()
    y = (boxes["y_min_px"] + boxes["y_max_px"]).to_numpy() / 2 / sizes["height_px"].to_numpy()
    bins = int(np.clip(np.sqrt(len(boxes)) / 1.5, 8, 40))
    density, _, _ = np.histogram2d(y, x, bins=bins, range=[[0, 1], [0, 1]])
    axes.grid(False)
    picture = axes.imshow(density, extent=(0, 1, 1, 0), cmap="YlOrBr", aspect="auto")
    axes.figure.colorbar(picture, ax=axes, label="boxes", ticks=MaxNLocator(integer=True))
    _label(axes, "left to right", "top to bottom", "Centres of all boxes, all photos as one frame")


def _objects_by_taker(axes: Axes, images: pd.DataFrame) -> None:
    noun, names = _taker(images)
    counts = images["n_boxes"].loc[names.index]
    objects = counts.groupby(names).sum().sort_values(ascending=False)
    shown = objects.head(AUTHORS_SHOWN)[::-1]
    # By number: two long names may begin alike, and a name is no formula ("$" begins one).
    axes.barh(np.arange(len(shown)), shown.to_numpy(), color=BROWN)
    labels = [one_line(str(name)[:28]).replace("$", r"\$") for name in shown.index]
    axes.set_yticks(np.arange(len(shown)), labels)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", labelsize=7, length=0)
    title = f"{len(shown)} of {_takers_words(len(images), names, noun)}"
    _label(axes, "objects", "", title)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _brightness(axes: Axes, images: pd.DataFrame) -> None:
    axes.hist(images["brightness"], bins=np.linspace(0, 1, 41).tolist(), color=BLUE, rwidth=0.9)
    _label(
        axes, "mean brightness of a photo (0 black, 1 white)", "photos", f"{len(images):,} photos"
    )
    _whole_numbers(axes)


def _whole_bins(first: int, last: int, step: int) -> list[float]:
    """Edges half-way between whole numbers."""
    return (np.arange(first, last + step + 1, step) - 0.5).tolist()


def _label(axes: Axes, x: str, y: str, title: str) -> None:
    axes.set_xlabel(x, color=INK)
    axes.set_ylabel(y, color=INK)
    axes.set_title(title, loc="left", fontsize=10, color=INK)


def _whole_numbers(axes: Axes, x: bool = False) -> None:
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    if x:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _square(axes: Axes, sides: np.ndarray, meaning: str) -> None:
    """Both axes from 0 on one scale, with the diagonal."""
    top = 1.05 * float(sides.max(initial=1))
    axes.plot([0, top], [0, top], color=INK, linewidth=0.8, linestyle=":", label=meaning)
    axes.set(xlim=(0, top), ylim=(0, top))
    axes.legend(frameon=False, loc="upper left", fontsize=8)
