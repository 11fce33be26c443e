"""The SQL for observations in PostgreSQL."""

# What was measured. Its counter is its own row: a commit of observations and one of resources never wait for each other's.
# One statement, and so one transaction: the lock on the counter orders the epochs as they become visible.
COMMIT_OBSERVATIONS = """
WITH bumped AS (
    UPDATE observation_clock SET epoch = epoch + 1, time = greatest(
        time, coalesce($1::double precision, extract(epoch FROM clock_timestamp())::double precision)
    )
    RETURNING epoch, time
), marked AS (
    INSERT INTO observation_mark (reporter_id, number, fingerprint, epoch, grouped, time)
    SELECT reporter_id, number, fingerprint, epoch, $2, time
    FROM bumped, unnest($3::text[], $4::bigint[], $5::bytea[]) AS given (reporter_id, number, fingerprint)
), passed AS (
    DELETE FROM observation_mark USING bumped, unnest($3::text[], $4::bigint[]) AS given (reporter_id, number)
    WHERE observation_mark.reporter_id = given.reporter_id AND observation_mark.number <= given.number - $7
), logged AS (
    INSERT INTO observation_epoch (epoch, time, body) SELECT epoch, time, $6 FROM bumped
)
SELECT epoch, time FROM bumped
"""
TICK = """
WITH moment AS (
    SELECT coalesce($1::double precision, extract(epoch FROM clock_timestamp())::double precision) AS now
), bumped AS (
    UPDATE observation_clock SET epoch = epoch + 1, time = now FROM moment
    WHERE floor(time / $2::double precision) < floor(now / $2::double precision)
    RETURNING epoch, time
)
INSERT INTO observation_epoch (epoch, time, body) SELECT epoch, time, $3 FROM bumped
"""
GET_OBSERVATION_CLOCK = "SELECT epoch, time FROM observation_clock"
GET_FOLDED = "SELECT shard, epoch FROM observation_fold"
ALL_EPOCHS = "SELECT epoch, body FROM observation_epoch WHERE epoch <= $1 ORDER BY epoch"
EPOCHS_SINCE = "SELECT epoch, time, body FROM observation_epoch WHERE epoch > $1 ORDER BY epoch LIMIT $2"
OLD_EPOCHS_SINCE = """
SELECT epoch, time, body FROM observation_epoch WHERE epoch > $1 AND time < $2 ORDER BY epoch LIMIT $3
"""
GET_MARKS = """
SELECT reporter_id, number, fingerprint, epoch, grouped FROM observation_mark
JOIN unnest($1::text[], $2::bigint[]) AS asked (reporter_id, number) USING (reporter_id, number)
"""
NEWEST_MARKS = "SELECT reporter_id, max(number) FROM observation_mark WHERE reporter_id = ANY ($1) GROUP BY reporter_id"
REPORTERS = "SELECT DISTINCT reporter_id FROM observation_mark LIMIT $1"
SET_FOLDED = "UPDATE observation_fold SET epoch = $3 WHERE shard = $1 AND epoch = $2 RETURNING epoch"
GET_ROLLUPS = """
SELECT uid, step, start, body FROM observation_rollup
JOIN unnest($1::text[], $2::integer[], $3::bigint[]) AS asked (uid, step, start) USING (uid, step, start)
"""
PUT_ROLLUPS = """
INSERT INTO observation_rollup (uid, step, start, name, body)
SELECT uid, step, start, name, body
FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::text[], $5::bytea[]) AS given (uid, step, start, name, body)
ON CONFLICT (uid, step, start) DO UPDATE SET body = excluded.body
"""
ROLLUPS_SINCE = (
    "SELECT start, name, uid, body FROM observation_rollup WHERE step = $1 AND start >= $2 ORDER BY start, uid"
)
ROLLUPS_OF = """
SELECT start, body FROM observation_rollup WHERE uid = $1 AND step = $2 AND start >= $3 AND start < $4 ORDER BY start
"""
# The newest epoch stays: it says where the counter is to a replica that was away.
DELETE_EPOCHS = """
DELETE FROM observation_epoch WHERE epoch IN (
    SELECT epoch FROM observation_epoch
    WHERE time < $1 AND epoch <= (SELECT min(epoch) FROM observation_fold) AND epoch < (SELECT epoch FROM observation_clock)
    ORDER BY epoch LIMIT $2
)
"""
DELETE_MARKS = """
DELETE FROM observation_mark WHERE (reporter_id, number) IN (
    SELECT reporter_id, number FROM observation_mark WHERE time < $1 ORDER BY time LIMIT $2
)
"""
DELETE_ROLLUPS = """
DELETE FROM observation_rollup WHERE (uid, step, start) IN (
    SELECT uid, step, start FROM observation_rollup WHERE step = $1 AND start < $2 ORDER BY start LIMIT $3
)
"""
