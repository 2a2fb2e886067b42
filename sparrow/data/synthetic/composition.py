"""Photos composed of a scene, birds, clutter and what a camera does to them.

Each photo has its own random stream, so photo 7 of seed 3 looks the same in a set of ten and in a
set of a thousand. Boxes are tight around what can be seen of a bird.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from sparrow.data.synthetic.birds import draw_bird
from sparrow.data.synthetic.brush import Sprite
from sparrow.data.synthetic.clutter import draw_clutter, draw_foliage
from sparrow.data.synthetic.plumage import SPECIES
from sparrow.data.synthetic.scenery import Place, Scene, draw_scene

Rng = np.random.Generator
SEASONS = ("summer", "winter")
BIRDS = ("all", "others", "none")
SPARROW = "house_sparrow"

_SCENE_WEIGHTS = {
    "summer": {"lawn": 20, "hedge": 15, "bricks": 14, "roof": 12, "branches": 14, "feeder": 10,
               "gravel": 12, "snow": 3},
    "winter": {"snow": 50, "branches": 16, "feeder": 12, "bricks": 12, "roof": 10},
}  # fmt: skip
_COUNT_WEIGHTS = (8, 36, 24, 14, 8, 5, 3, 1, 1)  # of 0, 1, ... 8 sparrows, in percent
_DISTRACTORS = {"blue_tit": 30, "robin": 25, "blackbird": 25, "pigeon": 20}
_MIN_VISIBLE = 0.5  # a bird hidden more than this is left out rather than left unlabelled
_MIN_BOX_PX = 30


@dataclass(frozen=True)
class _Thing:
    """A sprite in the picture, its left top corner in photo pixels; ``label`` "" for no box."""

    sprite: Sprite
    left: int
    top: int
    label: str = ""
    foreground: bool = False

    @property
    def base(self) -> float:
        """The height it stands at: things further down are nearer."""
        return self.top + self.sprite.foot[1]


@dataclass(frozen=True)
class DrawnPhoto:
    """uint8 pixels [height, width, 3] and (label, x_min, y_min, x_max, y_max) of every box."""

    pixels: NDArray[np.uint8]
    boxes: list[tuple[str, int, int, int, int]]
    jpeg_quality: int


def draw_photo(
    seed: int,
    index: int,
    season: str = "summer",
    classes: Sequence[str] = (SPARROW,),
    birds: str = "all",
) -> DrawnPhoto:
    """Photo number ``index`` of a seed; see ``generate_dataset``."""
    rng = np.random.default_rng([seed, index, SEASONS.index(season)])
    width, height = _photo_size(rng)
    weights = _SCENE_WEIGHTS[season]
    scene = draw_scene(_pick(weights, rng), width, height, rng)
    sparrows = int(rng.choice(len(_COUNT_WEIGHTS), p=np.array(_COUNT_WEIGHTS) / 100))
    bare, grassy = season == "winter", scene.kind in ("lawn", "gravel")
    things = _keep_visible(_arrange(scene, sparrows, birds, bare, classes, rng), (height, width))
    things = _add_foreground(things, (height, width), bare, grassy, rng)
    background = ImageEnhance.Color(scene.image).enhance(0.4) if bare else scene.image
    canvas = np.asarray(_softened(background, rng)).astype(np.float32)
    for thing in things:
        if scene.casts_shadow and not thing.foreground:
            _shade_ground(canvas, thing)
        _paste(canvas, thing)
    owners = _owners(things, (height, width))
    boxes = []
    for number, thing in enumerate(things):
        if thing.label in classes:
            boxes.append((thing.label, *_extent(owners == number)))
    return DrawnPhoto(_photographed(canvas, season, rng), boxes, int(rng.integers(72, 94)))


def _arrange(
    scene: Scene, sparrows: int, birds: str, bare: bool, classes: Sequence[str], rng: Rng
) -> list[_Thing]:
    """Birds and clutter on the scene's places, far ones first."""
    largest = 260 if sparrows <= 2 else 200 if sparrows <= 4 else 135
    smallest = 48 if rng.random() < 0.15 else 110  # most people photograph birds that are near
    typical = float(np.exp(rng.uniform(np.log(smallest), np.log(largest))))
    others = int(rng.choice(4, p=(0.35, 0.4, 0.18, 0.07)))
    if birds != "all":
        sparrows, others = 0, max(1, others) if birds == "others" else 0
    crowd = [SPARROW] * sparrows + [_pick(_DISTRACTORS, rng) for _ in range(others)]
    taken: list[tuple[Place, float]] = []
    things = []
    for species in crowd:
        plumages = SPECIES[species]
        plumage = plumages[int(rng.integers(len(plumages)))]
        for place in scene.places:
            length = typical * place.nearness * plumage.size * float(rng.uniform(0.85, 1.18))
            length = min(max(length, 42.0), 260.0 * plumage.size)
            if all(_apart(place, other) > 0.6 * (length + size) / 2 for other, size in taken):
                taken.append((place, length))
                puffed = 0.8 if bare else 0.0
                sprite = draw_bird(plumage, _pose(place, rng), length, rng, puffed)
                things.append(_placed(sprite, place, species if species in classes else ""))
                break
    for _ in range(int(rng.integers(0, 4))):
        place = scene.places[int(rng.integers(len(scene.places)))]
        if not place.air:
            sprite = draw_clutter(
                float(rng.uniform(20, 70)) * place.nearness, rng, scene.casts_shadow, bare
            )
            things.append(_placed(sprite, place, ""))
    return sorted(things, key=lambda thing: thing.base)


def _keep_visible(things: list[_Thing], shape: tuple[int, int]) -> list[_Thing]:
    """Without the labelled birds that others or the frame hide too much, one after the other."""
    while True:
        hidden = _hidden(things, shape)
        if hidden is None:
            return things
        things = [thing for number, thing in enumerate(things) if number != hidden]


def _hidden(things: list[_Thing], shape: tuple[int, int]) -> int | None:
    """Number of the first labelled thing that is too hidden or too small for a box."""
    owners = _owners(things, shape)
    for number, thing in enumerate(things):
        if not thing.label:
            continue
        seen = owners == number
        whole = np.count_nonzero(_mask(thing))
        if np.count_nonzero(seen) < _MIN_VISIBLE * whole:
            return number
        left, top, right, bottom = _extent(seen)
        if max(right - left, bottom - top) < _MIN_BOX_PX:
            return number
    return None


def _add_foreground(
    things: list[_Thing], shape: tuple[int, int], bare: bool, grassy: bool, rng: Rng
) -> list[_Thing]:
    """Twigs and grass before the birds, as long as every labelled bird stays recognisable."""
    height, width = shape
    for _ in range(int(rng.choice(4, p=(0.65, 0.2, 0.1, 0.05)))):
        sprite = draw_foliage(float(rng.uniform(50, 150)), rng, bare, grassy)
        x, y = rng.uniform((0, 0.2), (1, 1), 2) * (width, height)
        birds = [thing for thing in things if thing.label]
        if birds and rng.random() < 0.6:
            bird = birds[int(rng.integers(len(birds)))]
            tall, wide = bird.sprite.rgba.shape[:2]
            x, y = rng.uniform((bird.left, bird.top), (bird.left + wide, bird.top + tall), 2)
        place = Place(float(x), float(y))
        more = [*things, replace(_placed(sprite, place, ""), foreground=True)]
        if _hidden(more, shape) is None:
            things = more
    return things


def _pose(place: Place, rng: Rng) -> str:
    if place.air:
        return "flying"
    poses = {"perched": 34, "alert": 18, "pecking": 26, "front": 17, "flying": 5}
    return _pick(poses, rng)


def _placed(sprite: Sprite, place: Place, label: str) -> _Thing:
    left, top = round(place.x - sprite.foot[0]), round(place.y - sprite.foot[1])
    return _Thing(sprite, left, top, label)


def _apart(a: Place, b: Place) -> float:
    return float(np.hypot(a.x - b.x, a.y - b.y))


def _mask(thing: _Thing) -> NDArray[np.bool_]:
    return thing.sprite.rgba[..., 3] >= 128


def _windows(
    thing: _Thing, shape: tuple[int, int]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The part of the photo a thing covers, and the part of the thing inside the photo."""
    rows, columns = thing.sprite.rgba.shape[:2]
    top, left = max(thing.top, 0), max(thing.left, 0)
    bottom = max(min(thing.top + rows, shape[0]), top)
    right = max(min(thing.left + columns, shape[1]), left)
    inner = slice(top - thing.top, bottom - thing.top), slice(left - thing.left, right - thing.left)
    return (slice(top, bottom), slice(left, right)), inner


def _owners(things: Sequence[_Thing], shape: tuple[int, int]) -> NDArray[np.int16]:
    """[height, width]: number of the thing seen at each pixel, -1 for the background."""
    owners = np.full(shape, -1, dtype=np.int16)
    for number, thing in enumerate(things):
        outer, inner = _windows(thing, shape)
        owners[outer][_mask(thing)[inner]] = number
    return owners


def _extent(seen: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Tight x_min, y_min, x_max, y_max (right and bottom exclusive) of the true pixels."""
    columns, rows = np.flatnonzero(seen.any(axis=0)), np.flatnonzero(seen.any(axis=1))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _paste(canvas: NDArray[np.float32], thing: _Thing) -> None:
    outer, inner = _windows(thing, canvas.shape[:2])
    layer = thing.sprite.rgba[inner].astype(np.float32)
    alpha = layer[..., 3:] / 255
    canvas[outer] += alpha * (layer[..., :3] - canvas[outer])


def _shade_ground(canvas: NDArray[np.float32], thing: _Thing) -> None:
    """A soft shadow below the feet."""
    x, y = thing.left + thing.sprite.foot[0], thing.top + thing.sprite.foot[1]
    wide = 0.36 * thing.sprite.rgba.shape[1]
    height, width = canvas.shape[:2]
    rows = slice(max(0, round(y - wide)), max(0, min(height, round(y + wide))))
    columns = slice(max(0, round(x - 2 * wide)), max(0, min(width, round(x + 2 * wide))))
    dy = (np.arange(rows.start, rows.stop, dtype=np.float32) - y) / (0.3 * wide)
    dx = (np.arange(columns.start, columns.stop, dtype=np.float32) - x) / wide
    dark = 0.45 * np.exp(-(dy[:, None] ** 2) - dx[None, :] ** 2)
    canvas[rows, columns] *= 1 - dark[..., None]


def _softened(background: Image.Image, rng: Rng) -> Image.Image:
    """The background out of focus, as behind most birds."""
    blur = float(rng.choice([0.8, 1.6, 2.6, 3.6]))
    return background.filter(ImageFilter.GaussianBlur(blur)) if blur else background


def _photographed(canvas: NDArray[np.float32], season: str, rng: Rng) -> NDArray[np.uint8]:
    """What a camera makes of the scene: light, tint, vignette, flakes, blur, noise."""
    height, width = canvas.shape[:2]
    winter = season == "winter"
    light = float(
        rng.uniform(0.55, 0.85) if winter else rng.choice([1.06, 1.06, rng.uniform(0.6, 1.25)])
    )
    tint = np.array((0.90, 0.98, 1.10) if winter else (1, 1, 1)) * rng.uniform(0.95, 1.05, 3)
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    vignette = light * (1 - float(rng.uniform(0, 0.16)) * (x**2 + y**2))
    canvas *= vignette[..., None] * tint.astype(np.float32)
    picture = Image.fromarray(canvas.clip(0, 255).astype(np.uint8))
    if winter and rng.random() < 0.5:
        pen = ImageDraw.Draw(picture)
        flakes = rng.uniform((0, 0, 0.6), (width, height, 2.2), (int(rng.integers(40, 160)), 3))
        for fx, fy, r in flakes.tolist():
            pen.ellipse((fx - r, fy - r, fx + r, fy + r), fill=(232, 236, 244))
    if rng.random() < 0.25:
        picture = picture.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.4, 1.5))))
    noise = float(rng.uniform(1, 4.5)) * (1.3 if light < 0.8 else 1.0)
    grain = rng.standard_normal((height, width), dtype=np.float32) * noise
    speckled = np.asarray(picture).astype(np.float32) + grain[..., None]
    return speckled.clip(0, 255).astype(np.uint8)


def _photo_size(rng: Rng) -> tuple[int, int]:
    long = int(rng.choice([360, 400, 400, 400, 440]))
    short = round(long / float(rng.choice([4 / 3, 4 / 3, 3 / 2, 1.25])))
    return (long, short) if rng.random() < 0.75 else (short, long)


def _pick(weights: dict[str, int], rng: Rng) -> str:
    shares = np.array(list(weights.values()), dtype=float)
    return list(weights)[int(rng.choice(len(shares), p=shares / shares.sum()))]
