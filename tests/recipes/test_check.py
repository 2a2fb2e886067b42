"""The recipe "a check": the new rule names the row that breaks it, and no other."""

from __future__ import annotations


def test_it_finds_its_row(follow, photos):
    recipe = follow("A check")
    assert recipe.files == ("sparrow/data/checks/rules.py", "sparrow/data/checks/integrity.py")
    from sparrow.config import DataConfig
    from sparrow.data.checks.run import check_dataset

    photos.boxes.loc[1, ["bbox_width", "bbox_height"]] = (44, 4)  # the second box: row 3
    photos.boxes.loc[2, ["bbox_width", "bbox_height"]] = (40, 4)  # ten times: not more
    config = DataConfig(
        prepared=str(photos.root.parent / "prepared"),
        extensions=(".png",),
        sources=("Flickr",),
        licenses=("CC0",),
    )
    report = check_dataset(photos.write(), config).report
    assert "box-thin" in report.checked_rules
    (violation,) = [broken for broken in report.violations if broken.rule == "box-thin"]
    assert violation.severity == "warning"
    assert violation.rows["row"].tolist() == [3]
    assert violation.rows["value"].tolist() == ["44 × 4"]
