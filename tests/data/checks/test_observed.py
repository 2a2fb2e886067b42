"""The report says of every rule what was required and what is there, also where it holds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sparrow.config import DataConfig
from sparrow.data.checks.outcome import RuleOutcome
from sparrow.data.checks.report import CheckReport
from sparrow.data.checks.rules import RULES
from sparrow.data.checks.run import check_dataset
from sparrow.reports.checks import report_html

NOT_OF_A_SET = {"name-taken", "photo-disagrees", "label-error-candidate"}


def check(photos: Any, config: DataConfig) -> CheckReport:
    return check_dataset(photos.write(), config).report


def by_rule(report: CheckReport) -> dict[str, RuleOutcome]:
    return {outcome.rule: outcome for outcome in report.outcomes}


def test_a_set_that_passes_shows_each_rule_with_what_is_there(
    photos: Any, config: DataConfig
) -> None:
    report = check(photos, config)
    outcomes = by_rule(report)
    assert set(outcomes) == set(RULES)
    untested = {rule for rule, outcome in outcomes.items() if outcome.status == "not tested"}
    assert untested == NOT_OF_A_SET
    assert {o.status for o in report.outcomes if o.rule not in NOT_OF_A_SET} == {"passed"}
    assert all(outcome.observed for outcome in report.outcomes)
    # Six photos of 64 × 48 px with none, one or two boxes, six in all.
    assert outcomes["table-empty"].observed == "6 photos, 6 boxes"
    assert outcomes["value-missing"].observed == "0 of 78 cells are empty"  # 6 · 5 + 6 · 8
    assert outcomes["photo-size-range"].observed == "image_width 64 to 64; image_height 48 to 48"
    assert outcomes["name-extension"].observed == ".png (6)"
    assert outcomes["count-range"].required == "whole numbers, 0 to 300"
    assert outcomes["count-range"].observed == "0 to 2"
    assert outcomes["photo-unreadable"].observed == "0 of 6 photos break it"
    assert outcomes["box-outside-photo"].observed.startswith("boxes end at ")


def test_a_broken_rule_comes_first_with_the_values_that_are_there(
    photos: Any, config: DataConfig
) -> None:
    photos.info.loc[0, "Source"] = "a friend"
    photos.boxes.loc[1, "label_name"] = "robin"
    report = check(photos, config)
    first, second, *others = report.outcomes
    assert [first.rule, second.rule] == ["source-unknown", "class-unknown"]
    assert {first.status, second.status} == {"failed"}
    assert first.required == "Flickr"
    assert first.observed == "Flickr (5); a friend (1); 1 rows break it"
    assert second.observed == "house_sparrow (5); robin (1); 1 rows break it"
    assert {outcome.status for outcome in others} == {"passed", "not tested"}


@pytest.mark.parametrize(("table", "column"), [("info", "Source"), ("boxes", "bbox_x")])
def test_what_a_missing_column_keeps_from_being_tested_is_said(
    photos: Any, config: DataConfig, table: str, column: str
) -> None:
    setattr(photos, table, getattr(photos, table).drop(columns=column))
    outcomes = by_rule(check(photos, config))
    assert outcomes["column-missing"].status == "failed"
    rule = {"Source": "source-unknown", "bbox_x": "position-range"}[column]
    for untested in (rule, "box-outside-photo", "photo-missing", "count-wrong"):
        assert outcomes[untested].status == "not tested"
    assert outcomes["name-extension"].status == "passed"
    assert rule not in check(photos, config).checked_rules


def test_a_set_without_boxes_and_one_without_photos(photos: Any, config: DataConfig) -> None:
    photos.boxes = photos.boxes.iloc[:0]
    photos.info["Number_HSparrows"] = 0
    outcomes = by_rule(check(photos, config))
    assert outcomes["class-unknown"].observed == "none"
    assert outcomes["box-tiny"].observed == "no box"
    assert outcomes["boxes-too-many"].observed == "at most 0"
    photos.info = photos.info.iloc[:0]
    assert by_rule(check(photos, config))["table-empty"].status == "failed"


def test_page_and_json_list_every_rule(photos: Any, config: DataConfig) -> None:
    report = check(photos, config)
    page = report_html(report, photos.root)
    rows = json.loads(json.dumps(report.to_json()))["rules"]
    assert len(rows) == len(RULES)
    for row in rows:
        assert f"<code>{row['rule']}</code>" in page
    assert "boxes end at" in page
    assert "31 rules" in page  # the three of other occasions are not counted


def test_the_rule_on_taken_names_is_tested_where_new_data_is_taken_in(
    photos: Any, new: Any, config: DataConfig
) -> None:
    from sparrow.data.ingest.ingest import ingest_new

    photos.write()
    new.write()
    report = ingest_new(config).report
    assert report is not None
    assert by_rule(report)["name-taken"].status == "passed"
    assert by_rule(report)["name-taken"].observed == "4 names against 6"
