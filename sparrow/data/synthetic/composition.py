"""Photos composed of a scene, birds, clutter and what a camera does to them.

Each photo has its own random stream, so photo 7 of seed 3 looks the same in a set of ten and in a
set of a thousand. Boxes are tight around what can be seen of a bird.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import ImageEnhance

from sparrow.data.synthetic.birds import draw_bird
from sparrow.data.synthetic.camera import photographed, softened
from sparrow.data.synthetic.clutter import draw_clutter, draw_foliage
from sparrow.data.synthetic.placed_sprites import (
    PlacedSprite,
    extent,
    first_hidden,
    keep_visible,
    owners_of,
    paste,
    place_sprite,
    shade_ground,
)  # fmt: skip
from sparrow.data.synthetic.places import Place, Rng
from sparrow.data.synthetic.plumage import SPECIES
from sparrow.data.synthetic.scenery import Scene, draw_scene
from sparrow.data.synthetic.settings import SEASONS, SPARROW

_SCENE_WEIGHTS = {
    "summer": {"lawn": 20, "hedge": 15, "bricks": 14, "roof": 12, "branches": 14, "feeder": 10,
               "gravel": 12, "snow": 3},
    "winter": {"snow": 50, "branches": 16, "feeder": 12, "bricks": 12, "roof": 10},
}  # fmt: skip
_COUNT_WEIGHTS = (8, 36, 24, 14, 8, 5, 3, 1, 1)  # of 0, 1, ... 8 sparrows, in percent
_DISTRACTORS = {"blue_tit": 30, "robin": 25, "blackbird": 25, "pigeon": 20}


@dataclass(frozen=True)
class SyntheticPhoto:
    """uint8 pixels [height, width, 3] and (label, x_min, y_min, x_max, y_max) of every box."""

    pixels: NDArray[np.uint8]
    boxes: list[tuple[str, int, int, int, int]]
    jpeg_quality: int


@dataclass(frozen=True)
class _Wanted:
    """Which birds a photo shows, which of them get boxes, and whether it is winter."""

    sparrows: int
    birds: str
    classes: Sequence[str]
    bare: bool


def draw_photo(
    seed: int,
    index: int,
    season: str = "summer",
    classes: Sequence[str] = (SPARROW,),
    birds: str = "all",
) -> SyntheticPhoto:
    """Photo number ``index`` of a seed; see ``SyntheticSettings``."""
    rng = np.random.default_rng([seed, index, SEASONS.index(season)])
    width, height = _photo_size(rng)
    weights = _SCENE_WEIGHTS[season]
    scene = draw_scene(_choose(weights, rng), width, height, rng)
    sparrows = int(rng.choice(len(_COUNT_WEIGHTS), p=np.array(_COUNT_WEIGHTS) / 100))
    bare, grassy = season == "winter", scene.kind in ("lawn", "gravel")
    wanted = _Wanted(sparrows, birds, classes, bare)
    sprites = keep_visible(_arrange(scene, wanted, rng), (height, width))
    sprites = _add_foreground(sprites, (height, width), bare, grassy, rng)
    background = ImageEnhance.Color(scene.image).enhance(0.4) if bare else scene.image
    canvas = np.asarray(softened(background, rng)).astype(np.float32)
    for placed in sprites:
        if scene.casts_shadow and not placed.foreground:
            shade_ground(canvas, placed)
        paste(canvas, placed)
    owners = owners_of(sprites, (height, width))
    boxes = []
    for number, placed in enumerate(sprites):
        if placed.label in classes:
            boxes.append((placed.label, *extent(owners == number)))
    return SyntheticPhoto(photographed(canvas, season, rng), boxes, int(rng.integers(72, 94)))


def _arrange(scene: Scene, wanted: _Wanted, rng: Rng) -> list[PlacedSprite]:
    """Birds and clutter on the scene's places, far ones first."""
    largest = 260 if wanted.sparrows <= 2 else 200 if wanted.sparrows <= 4 else 135
    smallest = 48 if rng.random() < 0.15 else 110  # most people photograph birds that are near
    typical = float(np.exp(rng.uniform(np.log(smallest), np.log(largest))))
    crowd = _crowd(wanted, rng)
    sprites = [*_birds(scene, crowd, typical, wanted, rng), *_clutter(scene, wanted.bare, rng)]
    return sorted(sprites, key=lambda placed: placed.base)


def _crowd(wanted: _Wanted, rng: Rng) -> list[str]:
    """Species of every bird, sparrows first."""
    sparrows, others = wanted.sparrows, int(rng.choice(4, p=(0.35, 0.4, 0.18, 0.07)))
    if wanted.birds != "all":
        sparrows, others = 0, max(1, others) if wanted.birds == "others" else 0
    return [SPARROW] * sparrows + [_choose(_DISTRACTORS, rng) for _ in range(others)]


def _birds(
    scene: Scene, crowd: Sequence[str], typical_px: float, wanted: _Wanted, rng: Rng
) -> list[PlacedSprite]:
    """Each bird on the first place that is free for it; none where there is no such place."""
    taken: list[tuple[Place, float]] = []
    birds = []
    for species in crowd:
        plumages = SPECIES[species]
        plumage = plumages[int(rng.integers(len(plumages)))]
        for place in scene.places:
            length = typical_px * place.nearness * plumage.size * float(rng.uniform(0.85, 1.18))
            length = min(max(length, 42.0), 260.0 * plumage.size)
            if all(_apart(place, other) > 0.6 * (length + size) / 2 for other, size in taken):
                taken.append((place, length))
                puffed = 0.8 if wanted.bare else 0.0
                sprite = draw_bird(plumage, _pose(place, rng), length, rng, puffed)
                label = species if species in wanted.classes else ""
                birds.append(place_sprite(sprite, place, label))
                break
    return birds


def _clutter(scene: Scene, bare: bool, rng: Rng) -> list[PlacedSprite]:
    """Up to three leaves, stones or the like on the ground."""
    sprites = []
    for _ in range(int(rng.integers(0, 4))):
        place = scene.places[int(rng.integers(len(scene.places)))]
        if not place.air:
            length = float(rng.uniform(20, 70)) * place.nearness
            sprite = draw_clutter(length, rng, scene.casts_shadow, bare)
            sprites.append(place_sprite(sprite, place, ""))
    return sprites


def _add_foreground(
    sprites: list[PlacedSprite], shape: tuple[int, int], bare: bool, grassy: bool, rng: Rng
) -> list[PlacedSprite]:
    """Twigs and grass before the birds, as long as every labelled bird stays recognisable."""
    height, width = shape
    for _ in range(int(rng.choice(4, p=(0.65, 0.2, 0.1, 0.05)))):
        sprite = draw_foliage(float(rng.uniform(50, 150)), rng, bare, grassy)
        x, y = rng.uniform((0, 0.2), (1, 1), 2) * (width, height)
        birds = [placed for placed in sprites if placed.label]
        if birds and rng.random() < 0.6:
            bird = birds[int(rng.integers(len(birds)))]
            tall, wide = bird.sprite.rgba.shape[:2]
            x, y = rng.uniform((bird.left, bird.top), (bird.left + wide, bird.top + tall), 2)
        place = Place(float(x), float(y))
        more = [*sprites, replace(place_sprite(sprite, place, ""), foreground=True)]
        if first_hidden(more, shape) is None:
            sprites = more
    return sprites


def _pose(place: Place, rng: Rng) -> str:
    if place.air:
        return "flying"
    poses = {"perched": 34, "alert": 18, "pecking": 26, "front": 17, "flying": 5}
    return _choose(poses, rng)


def _apart(a: Place, b: Place) -> float:
    return float(np.hypot(a.x - b.x, a.y - b.y))


def _photo_size(rng: Rng) -> tuple[int, int]:
    long = int(rng.choice([360, 400, 400, 400, 440]))
    short = round(long / float(rng.choice([4 / 3, 4 / 3, 3 / 2, 1.25])))
    return (long, short) if rng.random() < 0.75 else (short, long)


def _choose(weights: dict[str, int], rng: Rng) -> str:
    values = np.array(list(weights.values()), dtype=float)
    return list(weights)[int(rng.choice(len(values), p=values / values.sum()))]
