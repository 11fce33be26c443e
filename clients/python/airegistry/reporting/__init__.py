"""Telling the registry what an engine measured."""

from airegistry.reporting.reporter import Reporter

__all__ = ["Reporter"]
