"""Agents of one's own in the registry, and tasks for those of others."""
