"""How parts of Envoy's configuration are written down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]
"""A message of Envoy's API in protobuf's JSON, with the names of the fields as in its protos."""

_TYPES = "type.googleapis.com/"


def typed(message: str, fields: Mapping[str, Any] | None = None) -> Json:
    """Return a message for a place that takes any kind, by its full name."""
    return {"@type": f"{_TYPES}{message}", **(fields or {})}


def http_filter(name: str, message: str, fields: Mapping[str, Any] | None = None) -> Json:
    """Return an HTTP filter: `cors`, and the name of its configuration below `envoy.extensions.filters.http`."""
    return {"name": filter_name(name), "typed_config": http_options(message, fields)}


def filter_name(name: str) -> str:
    """Return the full name of an HTTP filter, which routes override it by."""
    return f"envoy.filters.http.{name}"


def http_options(message: str, fields: Mapping[str, Any] | None = None) -> Json:
    """Return a message below `envoy.extensions.filters.http`."""
    return typed(f"envoy.extensions.filters.http.{message}", fields)


def seconds(value: float) -> str:
    """Write a duration as protobuf's JSON does."""
    return f"{value:.6f}".rstrip("0").rstrip(".") + "s"
