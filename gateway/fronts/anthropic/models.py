"""The list of models in Anthropic's shape, page by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from airegistry.errors import InvalidArgumentError
from airegistry.resources.model import Lifecycle, LifecycleStage, Model
from airegistry.resources.resource import Resource

_PAGE: Final = 20
_LONGEST_PAGE: Final = 1_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_STAGES: Final = {LifecycleStage.DEPRECATED: "deprecated", LifecycleStage.RETIRED: "retired"}


def page_body(listed: Sequence[Resource], query: Mapping[str, str]) -> bytes:
    """Return a page of models: *query* may hold `limit`, and `after_id` or `before_id`."""
    limit = _limit(query.get("limit"))
    ids = [id_of(resource) for resource in listed]
    if (before := query.get("before_id")) is not None:
        end = _place(ids, before, "before_id")
        begin = max(0, end - limit)
        more = begin > 0
    else:
        after = query.get("after_id")
        begin = 0 if after is None else _place(ids, after, "after_id") + 1
        end = min(len(ids), begin + limit)
        more = end < len(ids)
    shown = ids[begin:end]
    data = [model_value(resource, id_of(resource)) for resource in listed[begin:end]]
    ends = {"first_id": shown[0] if shown else None, "last_id": shown[-1] if shown else None}
    return orjson.dumps({"data": data, "has_more": more, **ends})


def model_value(resource: Resource, id_: str) -> dict[str, Any]:
    """Return what the API tells of a model, by the name that it is asked for."""
    model = resource.model or Model(description=resource.route.description if resource.route is not None else "")
    limits, lifecycle = model.limits, model.lifecycle or Lifecycle()
    return {
        "type": "model",
        "id": id_,
        "display_name": model.display_name or id_,
        # The format demands a time, and has the epoch for one that is not known.
        "created_at": _time(resource.create_time or _EPOCH),
        "lifecycle": _STAGES.get(lifecycle.stage, "active") if lifecycle.stage is not None else "active",
        "deprecated_at": _time(lifecycle.deprecate_time),
        "retires_at": _time(lifecycle.retire_time),
        "max_input_tokens": limits.max_input_tokens or limits.context_tokens if limits is not None else None,
        "max_tokens": limits.max_output_tokens if limits is not None else None,
    }


def id_of(resource: Resource) -> str:
    """Return the name by which a model or a route is asked for."""
    return resource.name.partition("/")[2]


def _limit(text: str | None) -> int:
    if text is None:
        return _PAGE
    if not text.isdecimal() or not 1 <= int(text[:9]) <= _LONGEST_PAGE:
        raise InvalidArgumentError.of("limit", f"must be 1 to {_LONGEST_PAGE}")
    return int(text)


def _place(ids: Sequence[str], id_: str, name: str) -> int:
    if id_ not in ids:
        raise InvalidArgumentError.of(name, "is no model of this list")
    return ids.index(id_)


def _time(time: datetime | None) -> str | None:
    return None if time is None else time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
