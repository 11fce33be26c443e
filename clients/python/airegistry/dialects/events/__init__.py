"""Streamed answers as events: the framings, and what every format of events has in common."""
