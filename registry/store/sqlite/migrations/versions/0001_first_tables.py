"""First tables."""

import uuid

import sqlalchemy
from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = (
    """
CREATE TABLE meta (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    cluster_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    compacted INTEGER NOT NULL
)""",
    """
CREATE TABLE resource (
    name TEXT PRIMARY KEY,
    kind INTEGER NOT NULL,
    uid TEXT NOT NULL,
    revision INTEGER NOT NULL,
    body BLOB NOT NULL
)""",
    """
CREATE TABLE event (
    revision INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    time REAL NOT NULL,
    name TEXT NOT NULL,
    kind INTEGER NOT NULL,
    old_revision INTEGER,
    old_body BLOB,
    new_body BLOB,
    PRIMARY KEY (revision, seq)
)""",
    """
CREATE TABLE lease (
    name TEXT PRIMARY KEY,
    owner_id TEXT NOT NULL,
    ttl REAL NOT NULL,
    expires_at REAL NOT NULL,
    suspect INTEGER NOT NULL
)""",
    """
CREATE TABLE request (
    request_id TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    time REAL NOT NULL,
    revision INTEGER NOT NULL,
    reply BLOB NOT NULL
)""",
    "CREATE INDEX request_time ON request (time)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    op.execute(
        sqlalchemy.text(
            "INSERT INTO meta (id, cluster_id, revision, compacted) VALUES (1, :cluster_id, 0, 0)"
        ).bindparams(cluster_id=str(uuid.uuid4()))
    )
