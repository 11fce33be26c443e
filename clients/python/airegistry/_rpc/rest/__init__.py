"""Answers in JSON, for callers whose calls were made in JSON."""
