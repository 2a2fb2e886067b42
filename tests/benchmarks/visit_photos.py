"""Drawn visits: bursts of one scene in which birds arrive, move and leave, with their true counts.

The scene, its focus and the other animals of a visit stay; sparrows come and go from photo to photo
by chance, and each photo has a camera's light, blur and noise of its own.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from sparrow.data.synthetic.birds import draw_bird
from sparrow.data.synthetic.camera import photographed, softened
from sparrow.data.synthetic.placed_sprites import (
    PlacedSprite,
    keep_visible,
    paste,
    place_sprite,
    shade_ground,
)
from sparrow.data.synthetic.places import Place, Rng
from sparrow.data.synthetic.plumage import SPECIES
from sparrow.data.synthetic.scenery import Scene, draw_scene
from sparrow.data.synthetic.settings import SPARROW

SCENES = ("lawn", "hedge", "bricks", "roof", "branches", "feeder", "gravel", "snow")
SCENE_WEIGHTS = (20, 15, 14, 12, 14, 10, 12, 3)  # of the demo's summer
COUNT_WEIGHTS = (8, 36, 24, 14, 8, 5, 3, 1, 1)  # of 0 to 8 sparrows in a photo of the demo
OTHERS = ("blue_tit", "robin", "blackbird", "pigeon")
POSES = ("perched", "alert", "pecking", "front", "flying")
POSE_CHANCES = (0.34, 0.18, 0.26, 0.17, 0.05)
PHOTOS = (1, 2, 3, 4, 5, 6, 8, 10)  # of a visit, equally often
LEAVES, MOVES, ARRIVES = 0.15, 0.3, 0.35  # chance of each bird, of each bird, of one more, a photo
MOST = 8


@dataclass(frozen=True)
class VisitPhoto:
    """The bytes of a JPEG, and how many sparrows are to be seen in it."""

    content: bytes
    sparrows: int


@dataclass
class _Bird:
    species: str
    place: Place
    length: float
    sprite: PlacedSprite


def draw_visit(seed: int, number: int) -> Iterator[VisitPhoto]:
    """The photos of one visit, one after the other; the same numbers give the same photos."""
    rng = np.random.default_rng([seed, number, 7])
    width, height = 400, int(rng.choice([300, 267, 320]))
    scene = draw_scene(str(rng.choice(SCENES, p=np.array(SCENE_WEIGHTS) / 100)), width, height, rng)
    background = np.asarray(softened(scene.image, rng)).astype(np.float32)
    sparrows = int(rng.choice(len(COUNT_WEIGHTS), p=np.array(COUNT_WEIGHTS) / 100))
    largest = 260 if sparrows <= 2 else 200 if sparrows <= 4 else 135  # sizes of the demo's birds
    smallest = 48 if rng.random() < 0.15 else 110
    typical = float(np.exp(rng.uniform(np.log(smallest), np.log(largest))))
    flock: list[_Bird] = []
    crowd = [SPARROW] * sparrows + [str(x) for x in rng.choice(OTHERS, int(rng.integers(0, 3)))]
    for species in crowd:
        _arrive(flock, species, typical, scene, rng)
    for photo in range(int(rng.choice(PHOTOS))):
        if photo:
            _step(flock, typical, scene, rng)
        yield _photo(background, flock, scene, rng)


def _step(flock: list[_Bird], typical: float, scene: Scene, rng: Rng) -> None:
    """What happens between two photos."""
    flock[:] = [bird for bird in flock if bird.species != SPARROW or rng.random() >= LEAVES]
    for bird in [bird for bird in flock if rng.random() < MOVES]:
        flock.remove(bird)
        _arrive(flock, bird.species, typical, scene, rng)
    if rng.random() < ARRIVES and sum(bird.species == SPARROW for bird in flock) < MOST:
        _arrive(flock, SPARROW, typical, scene, rng)


def _arrive(flock: list[_Bird], species: str, typical: float, scene: Scene, rng: Rng) -> None:
    """A bird on a free place; none where there is no such place."""
    plumages = SPECIES[species]
    plumage = plumages[int(rng.integers(len(plumages)))]
    for place in [scene.places[i] for i in rng.permutation(len(scene.places))]:
        length = typical * place.nearness * plumage.size * float(rng.uniform(0.85, 1.18))
        length = min(max(length, 42.0), 260.0 * plumage.size)
        if all(_distance(place, b.place) > 0.3 * (length + b.length) for b in flock):
            poses = ("perched", "alert", "pecking", "front", "flying")
            pose = (
                "flying" if place.air else str(rng.choice(poses, p=(0.34, 0.18, 0.26, 0.17, 0.05)))
            )
            sprite = draw_bird(plumage, pose, length, rng, 0.0)
            label = species if species == SPARROW else ""
            flock.append(_Bird(species, place, length, place_sprite(sprite, place, label)))
            return


def _photo(background: np.ndarray, flock: list[_Bird], scene: Scene, rng: Rng) -> VisitPhoto:
    sprites = sorted((bird.sprite for bird in flock), key=lambda placed: placed.base)
    seen = keep_visible(sprites, background.shape[:2])  # a hidden bird is not in the picture
    canvas = background.copy()
    for placed in seen:
        if scene.casts_shadow:
            shade_ground(canvas, placed)
        paste(canvas, placed)
    buffer = io.BytesIO()
    pixels = photographed(canvas, "summer", rng)
    Image.fromarray(pixels).save(buffer, "JPEG", quality=int(rng.integers(72, 94)))
    return VisitPhoto(buffer.getvalue(), sum(placed.label == SPARROW for placed in seen))


def _distance(a: Place, b: Place) -> float:
    return float(np.hypot(a.x - b.x, a.y - b.y))
