"""The device's name, the precision and the threads of a step. Older steps have none."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add their columns."""
    op.add_column("step", sa.Column("device_name", sa.String(length=200), nullable=True))
    op.add_column("step", sa.Column("precision", sa.String(length=20), nullable=True))
    op.add_column("step", sa.Column("threads", sa.Integer(), nullable=True))
