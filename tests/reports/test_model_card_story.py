"""What the model card and the report tell of training, photo and state; old models tell less."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from small_model import write_small_model

from sparrow.config import Config
from sparrow.inference.card_facts import UNREGISTERED
from sparrow.inference.model_folder import ModelInfo, read_info, write_info
from sparrow.reports.document import Document
from sparrow.reports.model_card_training import (
    TrainingFacts,
    in_and_out_section,
    training_section,
)
from sparrow.reports.training_figures import training_figures
from sparrow.reports.training_report import numbered_card, training_report

HISTORY: list[dict[str, Any]] = [
    {
        "epoch": epoch, "loss": 2.0 / epoch, "losses": {"loss_classifier": 1.0 / epoch},
        "f_beta": score, "precision": score, "recall": score,
    }
    for epoch, score in ((1, 0.2), (2, 0.6), (3, 0.5))
]  # fmt: skip
TRAINED = TrainingFacts(HISTORY, 2, {"training.learning_rate": 0.00123}, None)


@pytest.fixture
def info(tmp_path: Path) -> ModelInfo:
    return read_info(write_small_model(tmp_path / "model"))


def rows(sections: list[str]) -> dict[str, str]:
    lines = [line.strip("| ").split(" | ") for line in sections[1].splitlines()[2:]]
    return {line[0]: line[1] for line in lines}


def test_the_training_is_told(info: ModelInfo) -> None:
    told = rows(training_section(info, TRAINED, None))
    assert told["layers trained"].startswith("the last 6 stages of the backbone")
    assert told["optimiser"] == "adamw (learning rate 0.001, weight decay 0.0001)"
    assert told["schedule"] == "cosine (warmup fraction 0.1)"
    assert "–" not in told["other keys"]
    assert told["epochs"] == "15 wanted, 3 run, the best is 2"
    assert told["changes of the photos"] == (
        "with probability 0.8: horizontal flip 0.5, colour jitter 0.7"
    )
    assert told["chosen by tuning"] == "training.learning rate 0.00123"
    assert "torchvision" in told["their licence"]


def test_an_optimizer_by_name_is_told_with_its_own_parameters(info: ModelInfo) -> None:
    training = {
        **info.config["training"],
        "optimizer": "RMSprop",
        "optimizer_parameters": {"alpha": 0.9},
    }
    named = info.model_copy(update={"config": {**info.config, "training": training}})
    told = rows(training_section(named, None, None))["optimiser"]
    assert told == "RMSprop (learning rate 0.001, optimizer parameters alpha 0.9)"


def test_a_model_of_before_says_what_is_not_recorded(info: ModelInfo) -> None:
    old = info.model_copy(update={"config": {}})
    told = rows(training_section(old, None, None))
    for name in ("training photos", "starting weights", "their licence", "layers trained"):
        assert told[name] == "not recorded"
    for name in ("optimiser", "schedule", "epochs", "photos a batch", "changes of the photos"):
        assert told[name] == "not recorded"
    assert rows(in_and_out_section(old))["objects in a photo"] == "how many at most is not recorded"
    assert rows(in_and_out_section(info))["objects in a photo"].startswith("at most 120;")


def test_curves_of_a_training() -> None:
    assert training_figures([], 0, 2.0) == {}
    pictures = training_figures(HISTORY, 2, 2.0)
    assert list(pictures) == ["Loss by epoch", "F2 by epoch"]
    assert all(Image.open(io.BytesIO(png)).size == (660, 462) for png in pictures.values())
    assert pictures == training_figures(HISTORY, 2, 2.0)  # the same numbers, the same bytes


def test_a_report_holds_the_numbered_card(tmp_path: Path) -> None:
    text = f"# birds\n\n| | |\n|---|---|\n| name | birds |\n{UNREGISTERED}\n\n## Scores\n"
    card = numbered_card(Document("Model card", text, {}), 3, "candidate")
    assert "| version | 3, candidate |" in card.markdown
    criteria = [{"passed": False, "name": "f_beta", "required": ">= 0.5", "actual": "0.4"}]
    report = training_report(card, [("run", "17")], criteria, ["Data version <x>."])
    assert report.markdown.startswith("# Training report: birds\n")
    assert "| no | f\\_beta |" in report.markdown or "| no | f_beta |" in report.markdown
    assert "- Data version \\<x\\>." in report.markdown
    assert report.markdown.index("## The model") < report.markdown.index("## Scores")
    assert "<h1>Training report: birds</h1>" in report.page()


def test_a_served_card_has_its_number(tmp_path: Path) -> None:
    from service.answers import describe_model
    from service.page_actions import model_text
    from sparrow.inference.counter import PhotoCounter

    folder = write_small_model(tmp_path / "model")
    (folder / "card.md").write_text(f"# m\n\n{UNREGISTERED}\n\n![A photo](example.jpg)\n\nEnd\n")
    write_info(folder, read_info(folder, verify=False))
    counter = PhotoCounter(folder)
    card = describe_model(counter).card
    assert card is not None
    assert "| version | unpublished |" in card

    class Serving:
        def __init__(self) -> None:
            self.counter = counter

    serving: Any = Serving()
    assert "example.jpg" not in model_text(serving)
    assert model_text(serving).endswith("End\n")


def test_every_section_can_be_of_another_kind() -> None:
    """Keys that name their own parameters, as later releases have them, are told as well."""
    config = Config().of_the_training()
    config["training"] = {"optimizer": {"name": "RAdam", "betas": [0.9, 0.99]}, "epochs": 3}
    info = ModelInfo.model_construct(config=config)
    told = rows(training_section(info, None, None))
    assert told["optimiser"] == "name RAdam, betas 0.9 to 0.99"
    assert told["schedule"] == "not recorded"
