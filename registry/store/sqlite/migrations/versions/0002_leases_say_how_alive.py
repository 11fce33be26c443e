"""Leases say when they were renewed, how alive they are, and which write made them."""

from alembic import op

revision = "0002"
down_revision = "0001"

STATEMENTS = (
    "ALTER TABLE lease RENAME TO old_lease",
    """
CREATE TABLE lease (
    name TEXT PRIMARY KEY,
    owner_id TEXT NOT NULL,
    ttl REAL NOT NULL,
    renewed_at REAL NOT NULL,
    liveness INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    load REAL
)""",
    """
INSERT INTO lease (name, owner_id, ttl, renewed_at, liveness, seq)
SELECT name, owner_id, ttl, expires_at - ttl, iif(suspect, 2, 1), rowid FROM old_lease""",
    "DROP TABLE old_lease",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
