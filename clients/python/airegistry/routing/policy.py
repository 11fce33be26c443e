"""How calls are attempted: the defaults, and who may change them."""

from __future__ import annotations

import math
from dataclasses import fields
from functools import lru_cache

from airegistry.errors import InvalidArgumentError
from airegistry.resources.route import LossPolicy, PickStrategy, RoutePolicy, Selection
from airegistry.resources.validation import validate_policy

_TIMEOUTS = ("connect_timeout", "first_token_timeout", "idle_timeout")

DEFAULTS = RoutePolicy(
    max_attempts=3,
    connect_timeout=2.0,
    first_token_timeout=30.0,
    idle_timeout=30.0,
    total_timeout=600.0,
    hold_back_tokens=0,
    reroute_refusals=False,
    pick=PickStrategy.BEST,
    loss=LossPolicy.WARN,
    selection=Selection.STATIC,
)
"""What holds where nobody said anything; the numbers are those of the contract."""


SILENT = RoutePolicy()
"""What nobody said."""


def merge(*policies: RoutePolicy | None) -> RoutePolicy:
    """Return a policy in which each field is what the first policy that sets it says."""
    said = [policy for policy in policies if policy is not None and policy is not SILENT]
    if len(said) <= 1:
        return said[0] if said else SILENT
    return _merged(*said)


@lru_cache(maxsize=1024)
def _merged(*said: RoutePolicy) -> RoutePolicy:
    """Merge several; remembered, because the calls by a route merge the same few."""
    return RoutePolicy(
        **{
            field.name: next((value for p in said if (value := getattr(p, field.name)) is not None), None)
            for field in fields(RoutePolicy)
        }
    )


def check(policy: RoutePolicy, *, path: str) -> None:
    """Raise InvalidArgumentError when a policy breaks the contract."""
    violations = validate_policy(policy, path=path)
    if violations:
        raise InvalidArgumentError(violations=violations)


def impatient(own: RoutePolicy, others: RoutePolicy) -> bool:
    """Say whether a call allows less time than *others*, without it, would: who is too slow for it is not slow."""
    return any(
        mine < (getattr(others, name) or math.inf) for name in _TIMEOUTS if (mine := getattr(own, name)) is not None
    )
