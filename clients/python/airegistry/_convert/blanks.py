"""Values of frozen dataclasses while their fields are still being set.

A frozen dataclass sets each field of a new value by a call, and that would be most of the work of reading a message. So a
reader fills a value of the open twin of the class, which then becomes one of the class.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from airegistry._making import open_twin


def blank(cls: type) -> Callable[[], Any]:
    """Return what makes a value of the open twin of *cls* with all defaults. TypeError when a field has none."""
    fields = dataclasses.fields(cls)
    names: dict[str, Any] = {"Twin": open_twin(cls)}
    lines = ["def blank():", "made = Twin()"]
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
