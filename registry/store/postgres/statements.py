"""The SQL for PostgreSQL, but for that of observations."""

# The tables as the newest migration leaves them, for a database that is made fresh. A test compares both ways. Names sort
# by bytes, as they do in memory: every transaction locks them in that order.
SCHEMA = """
CREATE TABLE meta (
    id smallint PRIMARY KEY CHECK (id = 1),
    cluster_id text NOT NULL,
    compacted bigint NOT NULL,
    forgiven_at double precision NOT NULL
);
CREATE TABLE counter (
    id smallint PRIMARY KEY CHECK (id = 1),
    revision bigint NOT NULL
) WITH (fillfactor = 10);
CREATE TABLE resource (
    name text COLLATE "C" PRIMARY KEY,
    parent text COLLATE "C" REFERENCES resource (name),
    kind smallint NOT NULL,
    uid text NOT NULL,
    revision bigint NOT NULL,
    body bytea NOT NULL
);
CREATE INDEX resource_parent ON resource (parent) WHERE parent IS NOT NULL;
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
);
CREATE TABLE lease (
    name text COLLATE "C" PRIMARY KEY,
    owner_id text NOT NULL,
    ttl double precision NOT NULL,
    renewed_at double precision NOT NULL,
    liveness smallint NOT NULL,
    seq bigint NOT NULL,
    load double precision
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
CREATE SEQUENCE lease_seq;
CREATE TABLE request (
    request_id text PRIMARY KEY,
    fingerprint text NOT NULL,
    time double precision NOT NULL,
    revision bigint NOT NULL,
    reply bytea NOT NULL
);
CREATE INDEX request_time ON request (time);
CREATE TABLE sweeper (
    id smallint PRIMARY KEY CHECK (id = 1),
    holder text NOT NULL,
    epoch bigint NOT NULL,
    until double precision NOT NULL,
    swept_at double precision NOT NULL
);
CREATE TABLE replica (
    id text PRIMARY KEY,
    seen_at double precision NOT NULL
);
CREATE TABLE observation_clock (
    id smallint PRIMARY KEY CHECK (id = 1),
    epoch bigint NOT NULL,
    time double precision NOT NULL
) WITH (fillfactor = 10);
CREATE TABLE observation_fold (
    shard smallint PRIMARY KEY,
    epoch bigint NOT NULL
);
CREATE TABLE observation_epoch (
    epoch bigint PRIMARY KEY,
    time double precision NOT NULL,
    body bytea NOT NULL
);
CREATE TABLE observation_mark (
    reporter_id text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    fingerprint bytea NOT NULL,
    epoch bigint NOT NULL,
    grouped text NOT NULL,
    time double precision NOT NULL,
    PRIMARY KEY (reporter_id, number)
);
CREATE INDEX observation_mark_time ON observation_mark (time);
CREATE TABLE observation_rollup (
    uid text COLLATE "C" NOT NULL,
    step integer NOT NULL,
    start bigint NOT NULL,
    name text NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (uid, step, start)
);
CREATE INDEX observation_rollup_start ON observation_rollup (step, start);
"""

# Whoever starts first makes the tables. The number is this project's own.
LOCK_SCHEMA = "SELECT pg_advisory_lock(4733208017)"
UNLOCK_SCHEMA = "SELECT pg_advisory_unlock(4733208017)"
HAS_TABLES = "SELECT to_regclass('meta') IS NOT NULL"
MAKE_VERSION = "CREATE TABLE alembic_version (version_num varchar(32) NOT NULL PRIMARY KEY)"
SET_VERSION = "INSERT INTO alembic_version (version_num) VALUES ($1)"
GET_VERSION = "SELECT version_num FROM alembic_version"
FIRST_ROWS = """
INSERT INTO meta (id, cluster_id, compacted, forgiven_at) VALUES (1, gen_random_uuid()::text, 0, 0);
INSERT INTO counter (id, revision) VALUES (1, 0);
INSERT INTO sweeper (id, holder, epoch, until, swept_at) VALUES (1, '', 0, 0, 0);
INSERT INTO observation_clock (id, epoch, time) VALUES (1, 0, 0);
INSERT INTO observation_fold (shard, epoch) SELECT shard, 0 FROM generate_series(0, 15) AS shard;
"""
GET_CLUSTER_ID = "SELECT cluster_id FROM meta"
GET_DURABILITY = "SELECT current_setting('fsync'), current_setting('synchronous_commit')"

# In what follows, $1 of a statement about time is the clock that tests move, NULL for the database's own.

GET_NEWEST = """
SELECT revision, coalesce($1::double precision, extract(epoch FROM clock_timestamp())::double precision) FROM counter
"""
# One statement, so that all of it is as of one moment: each row is a lease, or a saved reply, or neither.
GET_BASIS = """
WITH now AS (
    SELECT revision, forgiven_at,
        coalesce($1::double precision, extract(epoch FROM clock_timestamp())::double precision) AS time
    FROM counter, meta
)
SELECT now.revision, now.time, lease.name, owner_id, ttl, greatest(renewed_at, forgiven_at), liveness, seq, load,
    request.request_id, fingerprint, request.revision, reply
FROM now
LEFT JOIN lease ON lease.name = ANY ($2)
LEFT JOIN request ON FALSE
UNION ALL
SELECT now.revision, now.time, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    request.request_id, fingerprint, request.revision, reply
FROM now JOIN request ON request.request_id = ANY ($3)
"""

GET_META = "SELECT revision, compacted FROM meta, counter"
ALL_RESOURCES = "SELECT name, kind, revision, body FROM resource ORDER BY name"
# What a resource was before is in the history itself, unless that was compacted away.
ALL_EVENTS = """
SELECT revision, time, name, kind, old_revision, CASE WHEN old_revision <= $1 THEN old_body END, new_body
FROM event WHERE revision > $1 ORDER BY revision, seq
"""
EVENTS_SINCE = """
SELECT revision, time, name, kind, new_body FROM event
WHERE revision > $1 AND revision <= $1 + $2 ORDER BY revision, seq
"""

# Locks what a group was decided on, resources first, each in the order of names.
LOCK = """
WITH locked_resource AS MATERIALIZED (
    SELECT name, revision FROM resource WHERE name = ANY ($1) ORDER BY name FOR NO KEY UPDATE
), locked_lease AS MATERIALIZED (
    SELECT name, seq FROM lease WHERE name = ANY ($2) ORDER BY name FOR UPDATE
)
SELECT true, name, revision FROM locked_resource UNION ALL SELECT false, name, seq FROM locked_lease
"""
LOCK_SWEEPER = "SELECT holder = $1 AND epoch = $2 FROM sweeper FOR SHARE"
# The leases of what takes no revision are written before the counter is locked: it is held for no longer than it must be.
PUT_LEASES = """
INSERT INTO lease (name, owner_id, ttl, renewed_at, liveness, seq, load)
SELECT name, owner_id, ttl,
    coalesce(renewed_at, $1::double precision, extract(epoch FROM clock_timestamp())::double precision),
    liveness, nextval('lease_seq'), load
FROM unnest($2::text[], $3::text[], $4::double precision[], $5::double precision[], $6::smallint[], $7::double precision[])
    AS given (name, owner_id, ttl, renewed_at, liveness, load)
ON CONFLICT (name) DO UPDATE SET owner_id = excluded.owner_id, ttl = excluded.ttl, renewed_at = excluded.renewed_at,
    liveness = excluded.liveness, seq = excluded.seq, load = excluded.load
"""
DELETE_LEASES = "DELETE FROM lease WHERE name = ANY ($1)"

# The last statement of every transaction with changes; COMMIT follows at once. The counter is locked from here on, so that
# the order of commits is the order of revisions. The time is taken when the counter is held, also that of the leases: one
# that counted from before the wait for the counter could be over when its revision is acknowledged.
WRITE = """
WITH bumped AS (
    UPDATE counter SET revision = revision + $2::bigint
    RETURNING revision - $2::bigint AS base,
        coalesce($1::double precision, extract(epoch FROM clock_timestamp())::double precision) AS now
), created AS (
    INSERT INTO resource (name, parent, kind, uid, revision, body)
    SELECT name, parent, kind, uid, base + step, body
    FROM bumped, unnest($4::text[], $5::text[], $6::smallint[], $7::text[], $8::integer[], $9::bytea[])
        AS given (name, parent, kind, uid, step, body)
), updated AS (
    UPDATE resource SET revision = base + step, body = given.body
    FROM bumped, unnest($10::text[], $11::integer[], $12::bytea[]) AS given (name, step, body)
    WHERE resource.name = given.name
), removed AS (
    DELETE FROM resource USING bumped WHERE name = ANY ($13::text[])
), logged AS (
    INSERT INTO event (revision, seq, time, name, kind, old_revision, old_body, new_body, batch)
    SELECT base + step, seq, now, name, kind, old_revision, old_body, new_body, $3::uuid
    FROM bumped, unnest(
        $14::integer[], $15::integer[], $16::text[], $17::smallint[], $18::bigint[], $19::bytea[], $20::bytea[]
    ) AS given (step, seq, name, kind, old_revision, old_body, new_body)
), saved AS (
    INSERT INTO request (request_id, fingerprint, time, revision, reply)
    SELECT request_id, fingerprint, now, base + step, reply
    FROM bumped, unnest($21::text[], $22::text[], $23::integer[], $24::bytea[])
        AS given (request_id, fingerprint, step, reply)
), leased AS (
    INSERT INTO lease (name, owner_id, ttl, renewed_at, liveness, seq, load)
    SELECT name, owner_id, ttl, coalesce(renewed_at, now), liveness, nextval('lease_seq'), load
    FROM bumped, unnest(
        $25::text[], $26::text[], $27::double precision[], $28::double precision[], $29::smallint[], $30::double precision[]
    ) AS given (name, owner_id, ttl, renewed_at, liveness, load)
    ON CONFLICT (name) DO UPDATE SET owner_id = excluded.owner_id, ttl = excluded.ttl, renewed_at = excluded.renewed_at,
        liveness = excluded.liveness, seq = excluded.seq, load = excluded.load
)
SELECT base, now FROM bumped
"""
# The same for a group that changes nothing but has replies to keep.
SAVE_REPLIES = """
WITH current AS (
    SELECT revision, coalesce($1::double precision, extract(epoch FROM clock_timestamp())::double precision) AS now
    FROM counter
), saved AS (
    INSERT INTO request (request_id, fingerprint, time, revision, reply)
    SELECT request_id, fingerprint, now, revision, reply
    FROM current, unnest($2::text[], $3::text[], $4::bytea[]) AS given (request_id, fingerprint, reply)
)
SELECT revision, now FROM current
"""

# Whether a transaction whose COMMIT was not answered is there. It waits for one that still goes on.
LOCK_COUNTER = "SELECT revision FROM counter FOR UPDATE"
IS_LOGGED = "SELECT EXISTS (SELECT FROM event WHERE revision = $1 AND batch = $2)"

# Says that replica $2 is there, forgets those unseen for $3 seconds, and returns the others.
SHOW_UP = """
WITH moment AS (
    SELECT coalesce($1::double precision, extract(epoch FROM clock_timestamp())::double precision) AS now
), shown AS (
    INSERT INTO replica (id, seen_at) SELECT $2, now FROM moment
    ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at
), forgotten AS (
    DELETE FROM replica USING moment WHERE seen_at < now - $3 AND id <> $2
)
SELECT id FROM replica, moment WHERE seen_at >= now - $3 AND id <> $2 ORDER BY id
"""
# Takes the right to sweep, or keeps it, for $3 seconds.
TAKE_SWEEP = """
WITH moment AS (
    SELECT coalesce($1::double precision, extract(epoch FROM clock_timestamp())::double precision) AS now
), before AS MATERIALIZED (
    SELECT swept_at FROM sweeper FOR UPDATE
)
UPDATE sweeper SET holder = $2, epoch = epoch + (holder <> $2)::integer, until = now + $3, swept_at = now
FROM moment, before WHERE holder = $2 OR until < now
RETURNING epoch, now, now - before.swept_at
"""
GIVE_SWEEP_UP = "UPDATE sweeper SET until = 0 WHERE holder = $1"
LEAVE = "DELETE FROM replica WHERE id = $1"
FORGIVE = "UPDATE meta SET forgiven_at = $1"
COUNT_LEASES = """
SELECT count(*), count(*) FILTER (WHERE greatest(renewed_at, forgiven_at) + ttl <= $1) FROM lease, meta
"""
# Liveness 2 is SUSPECT, 3 is PRESERVED; what is preserved stays as it is while $3.
DUE_LEASES = """
SELECT name, owner_id, ttl, renewed_at, liveness, seq, load, $1 - due_at FROM (
    SELECT name, owner_id, ttl, greatest(renewed_at, forgiven_at) AS renewed_at, liveness, seq, load,
        greatest(renewed_at, forgiven_at) + CASE WHEN liveness = 2 THEN greatest(3 * ttl, $2::double precision) ELSE ttl END
            AS due_at
    FROM lease, meta
) AS leases
WHERE due_at <= $1 AND NOT ($3 AND liveness = 3)
ORDER BY random() LIMIT $4
"""

SET_COMPACTED = "UPDATE meta SET compacted = $1 WHERE compacted < $1"
DELETE_EVENTS = "DELETE FROM event WHERE revision <= $1"
DELETE_REPLIES = """
DELETE FROM request WHERE request_id IN (SELECT request_id FROM request WHERE time < $1 ORDER BY time LIMIT $2)
"""

STILL_THERE = "SELECT"
NOTIFY = "NOTIFY airegistry"

# For operators.
OVERVIEW = """
SELECT current_database(), (SELECT version_num FROM alembic_version), cluster_id, counter.revision, compacted,
    (SELECT count(*) FROM resource), (SELECT count(*) FROM event), (SELECT count(*) FROM lease), (SELECT count(*) FROM request),
    coalesce((SELECT holder FROM sweeper WHERE until > extract(epoch FROM clock_timestamp())), '')
FROM meta, counter
"""
REPLICAS_SEEN = """
SELECT id, unseen FROM (
    SELECT id, extract(epoch FROM clock_timestamp())::double precision - seen_at AS unseen FROM replica
) AS replicas WHERE unseen < $1 ORDER BY id
"""
SESSIONS = """
SELECT coalesce(host(client_addr), 'this machine'), count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'airegistry' AND pid <> pg_backend_pid() GROUP BY 1 ORDER BY 1
"""
TRY_LOCK_SCHEMA = "SELECT pg_try_advisory_xact_lock(4733208017)"
SET_CLUSTER_ID = "UPDATE meta SET cluster_id = $1"
