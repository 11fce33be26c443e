"""The two real catalogs as a registry has them when both were imported: genai-prices first, LiteLLM's map after it."""

from __future__ import annotations

from functools import cache

from airegistry.importers.genai_prices import read_catalog
from airegistry.importers.litellm.catalog import read_path, to_catalog
from airegistry.importers.merge import merge_all
from airegistry.importers.placing import place
from airegistry.resources.resource import Resource
from tests import litellm_map


@cache
def resources() -> tuple[Resource, ...]:
    """Return every model and endpoint of both."""
    first = {resource.name: resource for resource in read_catalog().resources}
    second, _ = merge_all(place(to_catalog(read_path(litellm_map.MAP)), first).resources, first)
    return tuple((first | {resource.name: resource for resource in second}).values())
