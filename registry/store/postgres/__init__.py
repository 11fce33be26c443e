"""The store in PostgreSQL, written by any number of replicas."""

from registry.store.postgres.store import PostgresStore as PostgresStore
