"""The tables of the prediction log: photos, their boxes and counts by class, and feedback.

Columns whose values are made here have their length; names, which people give, have any.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
)

metadata = MetaData()

photos_table = Table(
    "predictions",
    metadata,
    Column("id", String(32), primary_key=True),  # what feedback refers to
    Column("time", DateTime, nullable=False),  # UTC
    Column("source", String(16), nullable=False),  # api, page, cli, reference
    Column("model_name", Text, nullable=False),
    Column("model_version", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("sha256", String(64), nullable=False),  # of the bytes that were sent
    Column("width_px", Integer, nullable=False),  # of the upright photo; 0 where it is unreadable
    Column("height_px", Integer, nullable=False),
    Column("brightness", Float),  # see sparrow.image_statistics; null where the photo is unreadable
    Column("contrast", Float),
    Column("sharpness", Float),
    Column("saturation", Float),
    Column("latency_ms", Float, nullable=False),  # decoding and detection
    Column("n_detections", Integer, nullable=False),  # rows in boxes: at or above the threshold
    Column("count", Integer),  # null where the photo is unreadable
    Column("count_low", Integer),  # null where the model has no calibrated count
    Column("count_high", Integer),  # null beside a count_low: the count is a minimum
    Column("error", String(32)),  # kind; null where all went well
)
boxes_table = Table(
    "boxes",
    metadata,
    Column("prediction_id", ForeignKey("predictions.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),  # 0 is the best score
    Column("label", Text, nullable=False),
    Column("score", Float, nullable=False),  # 0..1
    Column("x_min_px", Float, nullable=False),  # pixels of the upright photo
    Column("y_min_px", Float, nullable=False),
    Column("x_max_px", Float, nullable=False),
    Column("y_max_px", Float, nullable=False),
)
class_counts_table = Table(
    "class_counts",
    metadata,
    Column("prediction_id", ForeignKey("predictions.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),  # of the model's classes
    Column("label", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("low", Integer),  # null where the class has no calibrated count
    Column("high", Integer),  # null beside a low: the count is a minimum
)
tiled_table = Table(  # photos that were counted in tiles; all others were seen whole
    "tiled_predictions",
    metadata,
    Column("prediction_id", ForeignKey("predictions.id"), primary_key=True),
    Column("tiles", Integer, nullable=False),  # beside the whole photo
)
feedback_table = Table(
    "feedback",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("prediction_id", ForeignKey("predictions.id"), nullable=False),
    Column("time", DateTime, nullable=False),  # UTC
    Column("true_count", Integer),  # null: only "this is wrong"
    Column("wrong", Boolean, nullable=False),
)
# Sums over the photos of a model version in each hour; the database keeps them, see
# ``sparrow.predictions.hours``. Several rows of an hour are added up.
hours_table = Table(
    "prediction_hours",
    metadata,
    Column("model_name", Text, primary_key=True),
    Column("model_version", Text, primary_key=True),
    Column("hour", DateTime, primary_key=True),  # its beginning, UTC
    Column("part", SmallInteger, primary_key=True, autoincrement=False),
    Column("photos", BigInteger, nullable=False, server_default="0"),
    Column("errors", BigInteger, nullable=False, server_default="0"),
    Column("empty", BigInteger, nullable=False, server_default="0"),  # counted, nothing detected
    Column("detections", BigInteger, nullable=False, server_default="0"),
    Column("measured", BigInteger, nullable=False, server_default="0"),  # have image statistics
    Column("latency_ms", Double, nullable=False, server_default="0"),  # of those counted
    Column("brightness", Double, nullable=False, server_default="0"),
    Column("contrast", Double, nullable=False, server_default="0"),
    Column("sharpness", Double, nullable=False, server_default="0"),
    Column("saturation", Double, nullable=False, server_default="0"),
    Column("boxes", BigInteger, nullable=False, server_default="0"),
    Column("score", Double, nullable=False, server_default="0"),
)
indexes = (
    Index("predictions_time", photos_table.c.time),
    Index(
        "predictions_model_time",
        photos_table.c.model_name,
        photos_table.c.model_version,
        photos_table.c.time,
    ),
    Index("feedback_prediction", feedback_table.c.prediction_id),
)
