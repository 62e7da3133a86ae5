"""Checksums of stored data. Older data gets none: whether it was changed since it was written is unknown."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

OF_A_STEP = (
    "step", "scores", "curve", "findings", "artifact", "doc_id", "doc_hash", "prompt_hash", "question", "target",
    "output", "parsed", "value", "unparsable", "truncated", "tallies",
)  # fmt: skip


def upgrade() -> None:
    """Create their tables."""
    op.create_table(
        "checksum",
        sa.Column("step_id", sa.String(length=64), nullable=False),
        *(sa.Column(name, sa.String(length=16), nullable=False) for name in OF_A_STEP),
        sa.Column("documents", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["step_id"], ["step.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("step_id"),
    )
    op.create_table(
        "experiment_checksum",
        sa.Column("experiment_id", sa.String(length=64), nullable=False),
        sa.Column("track", sa.String(length=200), nullable=False),
        sa.Column("experiment", sa.String(length=16), nullable=False),
        sa.Column("links", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["experiment_id"], ["experiment.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("experiment_id"),
    )
