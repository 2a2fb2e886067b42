"""The tables as they were before there were migrations; those that exist are left as they are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make what is missing."""
    op.create_table(
        "predictions",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("time", sa.DateTime, nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("model_name", sa.String(128), nullable=False),
        sa.Column("model_version", sa.String(64), nullable=False),
        sa.Column("file_name", sa.String(255), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("width_px", sa.Integer, nullable=False),
        sa.Column("height_px", sa.Integer, nullable=False),
        sa.Column("brightness", sa.Float),
        sa.Column("contrast", sa.Float),
        sa.Column("sharpness", sa.Float),
        sa.Column("saturation", sa.Float),
        sa.Column("latency_ms", sa.Float, nullable=False),
        sa.Column("n_detections", sa.Integer, nullable=False),
        sa.Column("count", sa.Integer),
        sa.Column("count_low", sa.Integer),
        sa.Column("count_high", sa.Integer),
        sa.Column("error", sa.String(32)),
        if_not_exists=True,
    )
    op.create_table(
        "boxes",
        sa.Column(
            "prediction_id", sa.String(32), sa.ForeignKey("predictions.id"), primary_key=True
        ),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("label", sa.String(64), nullable=False),
        sa.Column("score", sa.Float, nullable=False),
        sa.Column("x_min_px", sa.Float, nullable=False),
        sa.Column("y_min_px", sa.Float, nullable=False),
        sa.Column("x_max_px", sa.Float, nullable=False),
        sa.Column("y_max_px", sa.Float, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "feedback",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("prediction_id", sa.String(32), sa.ForeignKey("predictions.id"), nullable=False),
        sa.Column("time", sa.DateTime, nullable=False),
        sa.Column("true_count", sa.Integer),
        sa.Column("wrong", sa.Boolean, nullable=False),
        if_not_exists=True,
    )
    op.create_index("predictions_time", "predictions", ["time"], if_not_exists=True)
    op.create_index("feedback_prediction", "feedback", ["prediction_id"], if_not_exists=True)
    op.create_table(
        "promotions",
        sa.Column("model", sa.String(200), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("who", sa.String(100), nullable=False),
        sa.Column("from_version", sa.Integer),
        sa.Column("to_version", sa.Integer, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("forced", sa.Boolean, nullable=False),
        sa.Column("evidence", sa.Text, nullable=False),
        if_not_exists=True,
    )
