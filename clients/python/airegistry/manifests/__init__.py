"""Resources as YAML or JSON that people write, and any of our values as plain data that people and scripts read."""

from airegistry.manifests.money import nanos_from_usd, usd
from airegistry.manifests.plain import plain
from airegistry.manifests.reading import MAX_BYTES, read_manifests

__all__ = ["MAX_BYTES", "nanos_from_usd", "plain", "read_manifests", "usd"]
