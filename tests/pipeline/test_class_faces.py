"""Two classes from evaluation to gate, card, MLflow, report and status: no face may lose one."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from photo_sets import PhotoSet

from sparrow import api
from sparrow.cli.main import main
from sparrow.config import Config, make_config
from sparrow.data.split.groups import with_groups
from sparrow.data.tables import Dataset
from sparrow.inference.model_folder import ModelInfo, read_info
from sparrow.pipeline.assess import Assessment, assess_model
from sparrow.pipeline.release import EvaluatedModel, Promotion, promote
from sparrow.pipeline.run import end_run
from sparrow.pipeline.run_report import Outcome, Report, make_report
from sparrow.pipeline.train import Trained

GOOSE, RACCOON = "snow goose", "raccoon_dog"
PHOTOS = 36  # a third of them empty, a third with one box, a third with two
# Pixels of the photo as the engine gets it, which is 64 px high and not 48.
FIRST, SECOND = (6.7, 13.3, 33.3, 33.3), (40.0, 13.3, 66.7, 33.3)


@dataclass(frozen=True)
class Story:
    """What a run leaves, from the evaluation of its model to its end."""

    config: Config
    photos: Path
    assessment: Assessment
    promotion: Promotion
    report: Report
    info: ModelInfo
    cards: Path
    mlflow_run_id: str


@pytest.fixture(scope="module")
def story(
    tmp_path_factory: pytest.TempPathFactory,
    write_small_model: Callable[..., Path],
    empty_mlflow: Path,
) -> Story:
    """A model that finds a goose and a raccoon dog in every photo, at the same places."""
    root = tmp_path_factory.mktemp("classes")
    config = make_config(
        {
            "name": "zoo",
            "data": {"classes": [GOOSE, RACCOON], "plurals": {GOOSE: "snow geese"}},
            "evaluation": {"bootstrap_samples": 50},
            "promotion": {"min_f_beta": 0.1, "max_false_count_empty": 9.0},
            "stores": {
                "tracking": f"sqlite:///{root}/mlflow.db",
                "artifacts": str(root / "artifacts"),
                "promotion_log": f"sqlite:///{root}/promotions.db",
                "champion": str(root / "champion"),
                "runs": str(root / "runs"),
            },
        }
    )
    shutil.copy(empty_mlflow, root / "mlflow.db")
    photos, dataset = _photos(root / "photos")
    work_dir = root / "runs" / "1"
    work_dir.mkdir(parents=True)
    write_small_model(
        work_dir / "model",
        found=((1, 0.9, *FIRST), (2, 0.8, *SECOND)),
        class_names=(GOOSE, RACCOON),
        name="zoo",
        config=config.of_the_training(),
    )
    trained = _trained(config, root)
    assessment = assess_model(config, dataset, trained, work_dir, lambda done, total: None)
    evaluation = assessment.scored.evaluation
    model = EvaluatedModel(work_dir / "model", "1", trained, evaluation, 1.0)
    promotion = promote(config, dataset, model, "1", False)
    outcome = Outcome(trained, evaluation, promotion, None, assessment.model_card)
    report = make_report("1", "0" * 16, outcome)
    end_run(config, work_dir, report)
    info = read_info(root / "champion")
    return Story(
        config, photos, assessment, promotion, report, info, work_dir / "cards",
        trained.mlflow_run_id,
    )  # fmt: skip


def _photos(root: Path) -> tuple[Path, Dataset]:
    """A first box is a goose, a second a raccoon dog, but a goose in every fourth photo of two."""
    photos = PhotoSet(root, PHOTOS)
    second = photos.boxes["bbox_x"] > 5
    photos.boxes["label_name"] = np.where(second, RACCOON, GOOSE)
    taken = photos.boxes[second].iloc[::4].index
    photos.boxes.loc[taken, "label_name"] = GOOSE
    dataset = api.Dataset.read(photos.write())
    split = ["train", *["validation", "test"] * PHOTOS][:PHOTOS]
    return root, with_groups(Dataset(root, dataset.images.assign(split=split), dataset.boxes))


def _trained(config: Config, root: Path) -> Trained:
    from sparrow.registry.tracking import make_client, start_run

    client = make_client(config.stores)
    run_id = start_run(client, config.name, config.stores.artifacts, root / "note")
    return Trained("1", run_id, (), 1, {}, None)


def named(lines: Sequence[str]) -> list[str]:
    """The first cell of each line or table row that begins with a class."""
    cells = [line.lstrip("| ") for line in lines]
    return [name for cell in cells for name in (GOOSE, RACCOON) if cell.startswith(name)]


def test_the_step_prints_each_class_and_which_is_found_as_which(story: Story) -> None:
    lines = story.assessment.lines()
    assert named(lines) == [GOOSE, RACCOON, GOOSE, RACCOON]  # scores, then the matrix
    evaluation = story.assessment.scored.evaluation
    geese_found_as_raccoons = evaluation.confusion.counts[0, 1]
    assert geese_found_as_raccoons > 0


def test_the_gate_judges_each_class(story: Story) -> None:
    (judged,) = [g for g in story.promotion.decision["gates"] if g["name"] == "every class found"]
    assert judged["passed"]
    assert judged["actual"].startswith(f"weakest is {RACCOON} 0.")


def test_card_and_report_have_both_classes_and_the_picture(story: Story) -> None:
    for name in ("model-card.md", "report.md"):
        text = (story.cards / name).read_text()
        section = text.split("## Class by class")[1].split("\n## ")[0]
        # How well they are found, and how well they are counted.
        assert named(section.splitlines()) == [GOOSE, RACCOON, GOOSE, RACCOON], name
        assert "![Confusion](figures/confusion.png)" in section
        assert "snow geese as raccoon dog" in section
        assert "finds and counts snow geese, raccoon dogs in photos" in text
        assert text.count("![Confusion]") == 1
    assert (story.cards / "figures" / "confusion.png").read_bytes().startswith(b"\x89PNG")
    assert "By class: snow goose 0." in (story.cards / "report.md").read_text()
    page = (story.cards / "report.html").read_text()
    assert page.count(f"<td>{GOOSE}</td>") >= 2
    assert page.count(f"<td>{RACCOON}</td>") >= 2


def test_mlflow_has_numbers_of_each_class_and_the_picture(story: Story) -> None:
    from sparrow.registry.tracking import make_client

    client = make_client(story.config.stores)
    metrics = client.get_run(story.mlflow_run_id).data.metrics
    for scores in story.assessment.scored.evaluation.classes:
        begin = f"test_class_{scores.name.replace(' ', '_')}"
        assert metrics[f"{begin}_recall"] == scores.scores["recall"].value
        assert metrics[f"{begin}_count_mae"] == scores.scores["count_mae"].value
        assert metrics[f"{begin}_objects"] == scores.objects
    figures = [file.path for file in client.list_artifacts(story.mlflow_run_id, "figures")]
    assert any("onfusion" in path for path in figures)


def test_model_and_report_keep_them_for_status(
    story: Story, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    classes = [scores.to_dict() for scores in story.assessment.scored.evaluation.classes]
    assert story.info.metrics["classes"] == classes
    assert story.info.plurals == {GOOSE: "snow geese"}
    path = tmp_path / "config.yaml"
    path.write_text(json.dumps(story.config.model_dump(mode="json")))
    assert main(["status", "--config", str(path)]) == 0
    assert named(capsys.readouterr().out.splitlines()) == [GOOSE, RACCOON]  # champion and run alike
    assert main(["status", "--json", "--config", str(path)]) == 0
    status = json.loads(capsys.readouterr().out)
    assert status["run"]["classes"] == status["champion"]["metrics"]["classes"] == classes


def test_evaluate_prints_every_number_of_each_class(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    champion = str(Path(story.config.stores.champion).resolve())
    assert main(["evaluate", champion, str(story.photos)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines if " true boxes in " in line] == [GOOSE, RACCOON]
    assert len([line for line in lines if line.startswith("  recall ")]) == 2
    assert "is, found as" in " ".join(lines)


def test_no_file_of_the_run_speaks_of_other_animals(story: Story) -> None:
    places = [story.cards.parent, Path(story.config.stores.champion).resolve()]
    files = [p for place in places for p in place.rglob("*") if p.suffix in (".md", ".html")]
    assert len(files) >= 6
    other = re.compile(r"\bbirds?\b|\bsparrows\b|house[ _-]sparrow", re.IGNORECASE)
    said = {path: other.findall(path.read_text(encoding="utf-8")) for path in files}
    assert {path: words for path, words in said.items() if words} == {}
