"""Catalogs from elsewhere as resources: pure mappings, each with a report of what it left out and why."""
