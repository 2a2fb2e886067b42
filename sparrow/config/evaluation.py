"""How models are scored, and what a candidate must reach."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sparrow.config.base import Count, Fraction, Overlap, Section, Unit


class EvaluationConfig(Section):
    """What is measured and how."""

    beta: Annotated[float, Field(gt=0)] = 2.0
    iou: Overlap = 0.5  # the headline F-beta's IoU: the threshold is chosen for it
    also_iou: tuple[Overlap, ...] = (0.4,)
    min_score: Fraction = 0.05  # detections below it are not even kept
    bootstrap_samples: Count = 1000
    confidence: Fraction = 0.95
    count_confidence: Fraction = 0.9
    # Fit the interval of counts in such tiles, too (``sparrow count --tiles``), on the validation
    # photos that get tiles: none, auto, or a size in pixels. Many times as long for each of them.
    tiles: Literal["none", "auto"] | Count = "none"
    # The operating threshold, found on validation photos: where F-beta is best, or where recall
    # equals the champion's (F-beta where there is no champion): counts over the years stay
    # comparable when the model changes.
    operating_point: Literal["f_beta", "champion_recall"] = "f_beta"


class PromotionConfig(Section):
    """The gate between a candidate and its place as champion."""

    min_f_beta: Unit = 0.5  # absolute bar for the headline score
    # The same score of each of several classes. Half of the bar for all of them together: some are
    # harder than others, but a class below it is missed more often than not, or seen all over. A
    # class that no test photo shows does not reach it. 0: no bar, but it is still named.
    min_class_f_beta: Unit = 0.25
    max_false_count_empty: Annotated[float, Field(ge=0)] = (
        1.0  # objects found per photo without any
    )
    # Of engine.onnx, the file that the service loads, in 10**6 bytes; weights, reference and cards,
    # which travel in the same folder, are not counted.
    max_model_mb: Annotated[float, Field(gt=0)] = 400.0
    # Of the median test photo, from its file to its boxes, on one processor thread with as many
    # photos at a time as the service counts; null: no bar.
    max_latency_ms: Annotated[float, Field(gt=0)] | None = None
    confidence: Fraction = 0.95  # one-sided, that the candidate is better than the champion
    max_slice_loss: Unit = (
        0.1  # F-beta no slice or class may lose (ruled out where its photos can show it)
    )
