"""What a config accepts, and how it refuses the rest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sparrow.config import (
    Config,
    ConfigError,
    get_key,
    load_config,
    make_config,
    parse_config,
    with_overrides,
    with_values,
)

CONFIGS = Path(__file__).parents[1] / "configs"


def test_an_empty_config_is_the_defaults():
    assert parse_config("data: {classes: [house_sparrow]}") == Config()
    assert make_config({}) == Config()
    assert with_overrides(Config(), []) == Config()


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.name)
def test_the_configs_that_come_along_are_valid(path):
    assert load_config(path).name


def test_it_is_frozen():
    with pytest.raises(ValueError, match="frozen"):
        Config().training.epochs = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("trainin: {}", ["trainin: there is no such key", "'training'", "split"]),
        (
            "training: {learning_rat: 0.1}",
            ["training.learning_rat: there is no such key", "'learning_rate'", "batch_size"],
        ),
        ("data: {generate: {foto: 1, photos: 1}}", ["data.generate.foto", "'photos'", "seed"]),
        ("training: {epochs: '3'}", ["training.epochs: ", "valid integer", "found '3'"]),
        ("training: {epochs: 2.5}", ["training.epochs: ", "found 2.5"]),
        ("training: {epochs: true}", ["training.epochs: ", "found True"]),
        ("training: {epochs: 0}", ["training.epochs: ", "greater than or equal to 1"]),
        ("training: {optimizer: adamm}", ["training.optimizer: ", "'adamw'", "found 'adamm'"]),
        ("training: {learning_rate: .nan}", ["training.learning_rate: "]),
        ("training: {world_size: 2}", ["training: ", "set gradient_accumulation_steps to 2"]),
        ("training: {learning_rate: .inf}", ["training.learning_rate: ", "finite"]),
        ("name: 3", ["name: ", "valid string", "found 3"]),
        ("data: 3", ["data: ", "found 3"]),
        ("data: {classes: []}", ["data.classes: expected names, or all: every class of the set"]),
        ("data: {classes: [a, a]}", ["data: classes must name each class once"]),
        (
            "data: {classes: [goose], plurals: {gose: geese}}",
            ["data.plurals: 'gose' is not a class; the classes are goose; did you mean 'goose'?"],
        ),
        ("data: {classes: [goose], plurals: {goose: ' '}}", ["plurals: expected printable names"]),
        ("data: {classes: [goose], plurals: {goose: 3}}", ["data.plurals.goose: ", "found 3"]),
        ("split: {test_fraction: 0.5, validation_fraction: 0.4}", ["split: ", "at least 0.2"]),
        ("data: {min_boxes_per_photo: 9, max_boxes_per_photo: 8}", ["data: min_boxes_per_photo"]),
        ("tuning: {space: {training.rate: [1]}}", ["unknown key 'training.rate'", "epochs"]),
        ("- a", ["must be a mapping of sections, found list"]),
        ("a: [", ["not valid YAML"]),
        ("seed: 1\nseed: 2", ["'seed' is there twice", "line 2"]),
        ("training: {epochs: 1}\ntraining: {batch_size: 2}", ["'training' is there twice"]),
        ("name: 2020-01-01", ["config: ", "date"]),
    ],
)
def test_what_is_refused_is_named(text, parts):
    with pytest.raises(ConfigError) as refused:
        parse_config(text)
    for part in parts:
        assert part in str(refused.value)


def test_every_fault_is_told_at_once():
    with pytest.raises(ConfigError) as refused:
        make_config({"training": {"epochs": 0, "typo": 1}, "seed": "x"})
    assert [line.split(":")[0].strip() for line in str(refused.value).splitlines()[1:]] == [
        "seed",
        "training.epochs",
        "training.typo",
    ]


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.yaml: No such file"):
        load_config(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes("name: Spätz".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"latin\.yaml: not UTF-8"):
        load_config(tmp_path / "latin.yaml")


@pytest.mark.parametrize(
    ("override", "key", "value"),
    [
        ("training.epochs=3", "training.epochs", 3),
        ("training.learning_rate=1e-3", "training.learning_rate", 0.001),  # YAML 1.1 reads text
        ("training.learning_rate=2", "training.learning_rate", 2.0),
        ("data.classes=[robin, wren]", "data.classes", ("robin", "wren")),
        ("data.plurals={house_sparrow: spadgers}", "data.plurals", {"house_sparrow": "spadgers"}),
        ("data.sources=null", "data.sources", None),
        ("model.weights=none", "model.weights", "none"),
        ("model.weights=a=b.pth", "model.weights", "a=b.pth"),  # only the first = parts
        ("data.generate.photos=5", "data.generate.photos", 5),  # a section that was null
        ("data.generate={photos: 5, seed: 2}", "data.generate.seed", 2),
        ("model.freeze_batch_norm=false", "model.freeze_batch_norm", False),
    ],
)
def test_overrides(override, key, value):
    changed = with_overrides(Config(), [override])
    assert get_key(changed, key) == value
    assert get_key(parse_config("", [override]), key) == value


def test_the_last_override_wins_and_the_original_stays():
    config = Config()
    assert with_overrides(config, ["seed=1", "seed=2"]).seed == 2
    assert config.seed == 0


@pytest.mark.parametrize(
    ("override", "part"),
    [
        ("training.epochs", "expected key.path=value"),
        ("=3", "expected key.path=value"),
        ("seed=[", "not valid YAML"),
        ("training.epoch=3", "training.epoch: there is no such key. Did you mean 'epochs'?"),
        ("training.epochs=many", "training.epochs"),
        ("name.first=a", "name: "),
    ],
)
def test_overrides_that_are_refused(override, part):
    with pytest.raises(ConfigError) as refused:
        with_overrides(Config(), [override])
    assert part in str(refused.value)


def test_values_of_a_trial():
    changed = with_values(Config(), {"training.learning_rate": 0.01, "training.optimizer": "sgd"})
    assert (changed.training.learning_rate, changed.training.optimizer) == (0.01, "sgd")
    with pytest.raises(ValueError, match=r"unknown key 'training\.x': training has epochs"):
        with_values(Config(), {"training.x": 1})


def test_the_hash_follows_the_content():
    assert Config().content_hash() == make_config({"seed": 0}).content_hash()
    assert Config().content_hash() != parse_config("seed: 1").content_hash()


def test_a_space_may_hold_ranges_and_choices():
    text = """
tuning:
  space:
    training.learning_rate: {low: 0.001, high: 0.1, log: true}
    training.optimizer: [sgd, adam]
    training.patience_epochs: [null, 3]
  conditions: {training.momentum: {training.optimizer: sgd}}
"""
    space = parse_config(text).tuning.space
    assert space["training.learning_rate"].log
    assert space["training.optimizer"] == ("sgd", "adam")
    assert space["training.patience_epochs"] == (None, 3)


@pytest.mark.parametrize("text", ["", "name: x", "data: {root: x}", "data: {classes: all}"])
def test_classes_left_out_of_a_file_are_all_of_the_set(text: str) -> None:
    config = parse_config(text)
    assert config.data.classes == ()
    stored = config.model_dump(mode="json")
    assert stored["data"]["classes"] == "all"
    assert make_config(stored) == config
    assert parse_config(json.dumps(stored)) == config  # as monitoring hands it to a training


def test_all_classes_can_be_asked_for_over_a_list() -> None:
    assert parse_config("data: {classes: [jay]}", ["data.classes=all"]).data.classes == ()
