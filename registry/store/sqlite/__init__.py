"""The embedded default: one database file, one writer thread."""

from registry.store.sqlite.store import SqliteStore as SqliteStore
