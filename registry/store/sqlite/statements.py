"""All SQL for SQLite."""

# The tables as the newest migration leaves them, for a database that is made fresh: most never need the migration tool,
# whose import alone takes half a second. A test compares both ways.
SCHEMA = """
CREATE TABLE meta (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    cluster_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    compacted INTEGER NOT NULL
);
CREATE TABLE resource (
    name TEXT PRIMARY KEY,
    kind INTEGER NOT NULL,
    uid TEXT NOT NULL,
    revision INTEGER NOT NULL,
    body BLOB NOT NULL
);
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
);
CREATE TABLE lease (
    name TEXT PRIMARY KEY,
    owner_id TEXT NOT NULL,
    ttl REAL NOT NULL,
    renewed_at REAL NOT NULL,
    liveness INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    load REAL
);
CREATE TABLE request (
    request_id TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    time REAL NOT NULL,
    revision INTEGER NOT NULL,
    reply BLOB NOT NULL
);
CREATE INDEX request_time ON request (time);
CREATE TABLE observation_clock (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch INTEGER NOT NULL,
    time REAL NOT NULL
);
CREATE TABLE observation_fold (
    shard INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL
);
CREATE TABLE observation_epoch (
    epoch INTEGER PRIMARY KEY,
    time REAL NOT NULL,
    body BLOB NOT NULL
);
CREATE TABLE observation_mark (
    reporter_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    fingerprint BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    grouped TEXT NOT NULL,
    time REAL NOT NULL,
    PRIMARY KEY (reporter_id, number)
) WITHOUT ROWID;
CREATE INDEX observation_mark_time ON observation_mark (time);
CREATE TABLE observation_rollup (
    uid TEXT NOT NULL,
    step INTEGER NOT NULL,
    start INTEGER NOT NULL,
    name TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (uid, step, start)
) WITHOUT ROWID;
CREATE INDEX observation_rollup_start ON observation_rollup (step, start);
"""

# Acknowledged means synced: FULL syncs the log at every commit. Automatic checkpoints are PASSIVE ones: they wait for
# nobody.
SETTINGS = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA wal_autocheckpoint = 1000;
PRAGMA journal_size_limit = 67108864;
PRAGMA foreign_keys = ON;
"""

HAS_TABLES = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'meta'"
MAKE_VERSION = "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"
SET_VERSION = "INSERT INTO alembic_version (version_num) VALUES (?)"
GET_VERSION = "SELECT version_num FROM alembic_version"
MAKE_META = "INSERT INTO meta (id, cluster_id, revision, compacted) VALUES (1, ?, 0, 0)"
MAKE_OBSERVATION_CLOCK = "INSERT INTO observation_clock (id, epoch, time) VALUES (1, 0, 0)"
MAKE_FOLDS = """
INSERT INTO observation_fold (shard, epoch)
WITH RECURSIVE shard (number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM shard WHERE number < 15) SELECT number, 0 FROM shard
"""
GET_META = "SELECT cluster_id, revision, compacted FROM meta"

BEGIN = "BEGIN IMMEDIATE"
COMMIT = "COMMIT"
ROLLBACK = "ROLLBACK"

# The counter is the first row that a transaction touches.
BUMP_REVISION = "UPDATE meta SET revision = revision + ? WHERE id = 1"
GET_REVISION = "SELECT revision FROM meta"

PUT_RESOURCE = """
INSERT INTO resource (name, kind, uid, revision, body) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE SET
    kind = excluded.kind, uid = excluded.uid, revision = excluded.revision, body = excluded.body
"""
DELETE_RESOURCE = "DELETE FROM resource WHERE name = ?"
PUT_EVENT = """
INSERT INTO event (revision, seq, time, name, kind, old_revision, old_body, new_body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
PUT_LEASE = """
INSERT INTO lease (name, owner_id, ttl, renewed_at, liveness, seq, load) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE SET
    owner_id = excluded.owner_id, ttl = excluded.ttl, renewed_at = excluded.renewed_at, liveness = excluded.liveness,
    seq = excluded.seq, load = excluded.load
"""
DELETE_LEASE = "DELETE FROM lease WHERE name = ?"
PUT_REPLY = "INSERT INTO request (request_id, fingerprint, time, revision, reply) VALUES (?, ?, ?, ?, ?)"
GET_REPLY = "SELECT request_id, fingerprint, revision, reply FROM request WHERE request_id = ?"

ALL_RESOURCES = "SELECT name, kind, revision, body FROM resource ORDER BY name"
LEASED_NAMES = "SELECT name FROM lease"
MAX_LEASE_SEQ = "SELECT coalesce(max(seq), 0) FROM lease"
# :forgiven is when every lease last counted as renewed.
GET_LEASE = """
SELECT name, owner_id, ttl, max(renewed_at, :forgiven), liveness, seq, load FROM lease WHERE name = :name
"""
COUNT_LEASES = """
SELECT count(*), coalesce(sum(max(renewed_at, :forgiven) + ttl <= :now), 0) FROM lease
"""
# Liveness 2 is SUSPECT, 3 is PRESERVED; what is preserved stays as it is while :preserving.
DUE_LEASES = """
SELECT name, owner_id, ttl, renewed_at, liveness, seq, load, due_at FROM (
    SELECT name, owner_id, ttl, max(renewed_at, :forgiven) AS renewed_at, liveness, seq, load,
        max(renewed_at, :forgiven) + iif(liveness = 2, max(3 * ttl, :min_removal), ttl) AS due_at
    FROM lease
)
WHERE due_at <= :now AND NOT (:preserving AND liveness = 3)
ORDER BY random() LIMIT :limit
"""
ALL_EVENTS = """
SELECT revision, time, name, kind, old_revision, old_body, new_body FROM event ORDER BY revision, seq
"""

DELETE_EVENTS = "DELETE FROM event WHERE revision <= ?"
SET_COMPACTED = "UPDATE meta SET compacted = ? WHERE id = 1 AND compacted < ?"
DELETE_REPLIES = """
DELETE FROM request WHERE request_id IN (SELECT request_id FROM request WHERE time < ? ORDER BY time LIMIT ?)
"""

# For operators.
OVERVIEW = """
SELECT (SELECT version_num FROM alembic_version), cluster_id, revision, compacted,
    (SELECT count(*) FROM resource), (SELECT count(*) FROM event), (SELECT count(*) FROM lease), (SELECT count(*) FROM request)
FROM meta
"""
SET_CLUSTER_ID = "UPDATE meta SET cluster_id = ?"

# What was measured. Its counter is its own row: a commit of observations and one of resources never wait for each other's.
GET_OBSERVATION_CLOCK = "SELECT epoch, time FROM observation_clock"
GET_FOLDED = "SELECT shard, epoch FROM observation_fold"
BUMP_EPOCH = "UPDATE observation_clock SET epoch = epoch + 1, time = max(time, ?)"
BUMP_EPOCH_IF_DUE = """
UPDATE observation_clock SET epoch = epoch + 1, time = :now
WHERE CAST(time / :width AS INTEGER) < CAST(:now / :width AS INTEGER)
"""
PUT_EPOCH = "INSERT INTO observation_epoch (epoch, time, body) VALUES (?, ?, ?)"
ALL_EPOCHS = "SELECT epoch, time, body FROM observation_epoch ORDER BY epoch"
EPOCHS_SINCE = "SELECT epoch, time, body FROM observation_epoch WHERE epoch > ? ORDER BY epoch LIMIT ?"
OLD_EPOCHS_SINCE = """
SELECT epoch, time, body FROM observation_epoch WHERE epoch > ? AND time < ? ORDER BY epoch LIMIT ?
"""
PUT_MARK = """
INSERT INTO observation_mark (reporter_id, number, fingerprint, epoch, grouped, time) VALUES (?, ?, ?, ?, ?, ?)
"""
GET_MARK = "SELECT fingerprint, epoch, grouped FROM observation_mark WHERE reporter_id = ? AND number = ?"
NEWEST_MARK = "SELECT max(number) FROM observation_mark WHERE reporter_id = ?"
DELETE_PASSED_MARKS = "DELETE FROM observation_mark WHERE reporter_id = ? AND number <= ?"
REPORTERS = "SELECT DISTINCT reporter_id FROM observation_mark LIMIT ?"
SET_FOLDED = "UPDATE observation_fold SET epoch = ? WHERE shard = ? AND epoch = ?"
GET_ROLLUP = "SELECT body FROM observation_rollup WHERE uid = ? AND step = ? AND start = ?"
PUT_ROLLUP = """
INSERT INTO observation_rollup (uid, step, start, name, body) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (uid, step, start) DO UPDATE SET body = excluded.body
"""
ROLLUPS_SINCE = (
    "SELECT start, name, uid, body FROM observation_rollup WHERE step = ? AND start >= ? ORDER BY start, uid"
)
ROLLUPS_OF = """
SELECT start, body FROM observation_rollup WHERE uid = ? AND step = ? AND start >= ? AND start < ? ORDER BY start
"""
# The newest epoch stays: it says where the counter is to a replica that was away.
DELETE_EPOCHS = """
DELETE FROM observation_epoch WHERE epoch IN (
    SELECT epoch FROM observation_epoch
    WHERE time < ? AND epoch <= (SELECT min(epoch) FROM observation_fold) AND epoch < (SELECT epoch FROM observation_clock)
    ORDER BY epoch LIMIT ?
)
"""
DELETE_MARKS = """
DELETE FROM observation_mark WHERE (reporter_id, number) IN (
    SELECT reporter_id, number FROM observation_mark WHERE time < ? ORDER BY time LIMIT ?
)
"""
DELETE_ROLLUPS = """
DELETE FROM observation_rollup WHERE (uid, step, start) IN (
    SELECT uid, step, start FROM observation_rollup WHERE step = ? AND start < ? ORDER BY start LIMIT ?
)
"""
