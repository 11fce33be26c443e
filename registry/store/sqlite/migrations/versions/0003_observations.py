"""What was measured, with a counter of its own."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = (
    """
CREATE TABLE observation_clock (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch INTEGER NOT NULL,
    time REAL NOT NULL
)""",
    """
CREATE TABLE observation_fold (
    shard INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL
)""",
    """
CREATE TABLE observation_epoch (
    epoch INTEGER PRIMARY KEY,
    time REAL NOT NULL,
    body BLOB NOT NULL
)""",
    """
CREATE TABLE observation_mark (
    reporter_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    fingerprint BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    grouped TEXT NOT NULL,
    time REAL NOT NULL,
    PRIMARY KEY (reporter_id, number)
) WITHOUT ROWID""",
    "CREATE INDEX observation_mark_time ON observation_mark (time)",
    """
CREATE TABLE observation_rollup (
    uid TEXT NOT NULL,
    step INTEGER NOT NULL,
    start INTEGER NOT NULL,
    name TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (uid, step, start)
) WITHOUT ROWID""",
    "CREATE INDEX observation_rollup_start ON observation_rollup (step, start)",
    "INSERT INTO observation_clock (id, epoch, time) VALUES (1, 0, 0)",
    """
INSERT INTO observation_fold (shard, epoch)
WITH RECURSIVE shard (number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM shard WHERE number < 15) SELECT number, 0 FROM shard
""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
