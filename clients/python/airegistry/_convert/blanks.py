"""Instances of frozen dataclasses while their fields are still being set.

A frozen dataclass sets each field of a new instance by a call, and that would be most of the work of reading a message. So a
reader fills an instance of a plain class of the same layout, and then declares it to be what it looks like:
`made.__class__ = cls`, which Python allows for classes whose slots have the same names.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any


def blank(cls: type) -> Callable[[], Any]:
    """Return what makes an instance that has the defaults of *cls*. TypeError when a field has none."""
    fields = dataclasses.fields(cls)
    names: dict[str, Any] = {"Plain": type(cls.__name__, (), {"__slots__": [field.name for field in fields]})}
    lines = ["def blank():", "made = Plain()"]
    for field in fields:
        made_anew = field.default_factory is not dataclasses.MISSING
        names[f"default_{field.name}"] = field.default_factory if made_anew else field.default
        lines.append(f"made.{field.name} = default_{field.name}{'()' if made_anew else ''}")
        if names[f"default_{field.name}"] is dataclasses.MISSING:
            raise TypeError(f"{cls.__name__}.{field.name} has no default")
    # A text of ours: nothing in it comes from outside but the names of a dataclass's fields.
    exec(compile("\n    ".join((*lines, "return made")), f"<blank {cls.__name__}>", "exec"), names)  # noqa: S102 - see above
    made: Callable[[], Any] = names["blank"]
    return made
