"""What was measured, with a counter of its own."""

from alembic import op

revision = "0002"
down_revision = "0001"

STATEMENTS = (
    """
CREATE TABLE observation_clock (
    id smallint PRIMARY KEY CHECK (id = 1),
    epoch bigint NOT NULL,
    time double precision NOT NULL
) WITH (fillfactor = 10)""",
    """
CREATE TABLE observation_fold (
    shard smallint PRIMARY KEY,
    epoch bigint NOT NULL
)""",
    """
CREATE TABLE observation_epoch (
    epoch bigint PRIMARY KEY,
    time double precision NOT NULL,
    body bytea NOT NULL
)""",
    """
CREATE TABLE observation_mark (
    reporter_id text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    fingerprint bytea NOT NULL,
    epoch bigint NOT NULL,
    grouped text NOT NULL,
    time double precision NOT NULL,
    PRIMARY KEY (reporter_id, number)
)""",
    "CREATE INDEX observation_mark_time ON observation_mark (time)",
    """
CREATE TABLE observation_rollup (
    uid text COLLATE "C" NOT NULL,
    step integer NOT NULL,
    start bigint NOT NULL,
    name text NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (uid, step, start)
)""",
    "CREATE INDEX observation_rollup_start ON observation_rollup (step, start)",
    "INSERT INTO observation_clock (id, epoch, time) VALUES (1, 0, 0)",
    "INSERT INTO observation_fold (shard, epoch) SELECT shard, 0 FROM generate_series(0, 15) AS shard",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
