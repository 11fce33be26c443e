"""First tables."""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = (
    """
CREATE TABLE meta (
    id smallint PRIMARY KEY CHECK (id = 1),
    cluster_id text NOT NULL,
    compacted bigint NOT NULL,
    forgiven_at double precision NOT NULL
)""",
    """
CREATE TABLE counter (
    id smallint PRIMARY KEY CHECK (id = 1),
    revision bigint NOT NULL
) WITH (fillfactor = 10)""",
    """
CREATE TABLE resource (
    name text COLLATE "C" PRIMARY KEY,
    parent text COLLATE "C" REFERENCES resource (name),
    kind smallint NOT NULL,
    uid text NOT NULL,
    revision bigint NOT NULL,
    body bytea NOT NULL
)""",
    "CREATE INDEX resource_parent ON resource (parent) WHERE parent IS NOT NULL",
    """
CREATE TABLE event (
    revision bigint NOT NULL,
    seq integer NOT NULL,
    time double precision NOT NULL,
    name text COLLATE "C" NOT NULL,
    kind smallint NOT NULL,
    old_revision bigint,
    old_body bytea,
    new_body bytea,
    batch uuid NOT NULL,
    PRIMARY KEY (revision, seq)
)""",
    """
CREATE TABLE lease (
    name text COLLATE "C" PRIMARY KEY,
    owner_id text NOT NULL,
    ttl double precision NOT NULL,
    renewed_at double precision NOT NULL,
    liveness smallint NOT NULL,
    seq bigint NOT NULL,
    load double precision
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05)""",
    "CREATE SEQUENCE lease_seq",
    """
CREATE TABLE request (
    request_id text PRIMARY KEY,
    fingerprint text NOT NULL,
    time double precision NOT NULL,
    revision bigint NOT NULL,
    reply bytea NOT NULL
)""",
    "CREATE INDEX request_time ON request (time)",
    """
CREATE TABLE sweeper (
    id smallint PRIMARY KEY CHECK (id = 1),
    holder text NOT NULL,
    epoch bigint NOT NULL,
    until double precision NOT NULL,
    swept_at double precision NOT NULL
)""",
    """
CREATE TABLE replica (
    id text PRIMARY KEY,
    seen_at double precision NOT NULL
)""",
    "INSERT INTO meta (id, cluster_id, compacted, forgiven_at) VALUES (1, gen_random_uuid()::text, 0, 0)",
    "INSERT INTO counter (id, revision) VALUES (1, 0)",
    "INSERT INTO sweeper (id, holder, epoch, until, swept_at) VALUES (1, '', 0, 0, 0)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
