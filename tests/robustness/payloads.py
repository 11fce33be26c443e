"""The resources that traffic is about: a small catalog that several clients write to, with a token in each version."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

from airegistry.v1 import registry_service_pb2 as pb
from airegistry.v1 import resource_pb2
from tests.robustness.versions import TOKEN, Version

MODELS, ENDPOINTS, AGENTS, ROUTES, HELD = 16, 3, 10, 6, 6
COLOURS = ("red", "green", "blue")
SKILLS = ("translate", "summarize")
CAPABILITIES = ("tools", "code")
KIND_MODEL, KIND_ENDPOINT, KIND_AGENT, KIND_ROUTE = 1, 2, 3, 4


def resource(name: str, token: str, rng: random.Random) -> resource_pb2.Resource:
    """Return a resource of the kind that *name* says, random in all that filters look at."""
    message = resource_pb2.Resource(name=name, labels={TOKEN: token, "colour": rng.choice(COLOURS)})
    match name.split("/"):
        case ["models", _]:
            message.model.description = "x" * rng.choice((10, 100, 2000))
            for capability in CAPABILITIES:
                message.model.capabilities[capability].supported = rng.random() < 0.5
        case ["models", _, "endpoints", id_]:
            message.endpoint.provider = id_
            message.endpoint.upstream_model = "served"
        case ["agents", _]:
            skill = message.agent.skills.add(id=rng.choice(SKILLS), name="skill")
            skill.tags.append(rng.choice(COLOURS))
        case _:
            message.route.tiers.add().targets.add(model="models/m0")
    return message


def any_name(rng: random.Random) -> str:
    """Return one of the names that are written all the time."""
    match rng.choices(("model", "endpoint", "agent", "held", "route"), (30, 40, 20, 2, 10))[0]:
        case "model":
            return f"models/m{rng.randrange(MODELS)}"
        case "endpoint":
            return f"models/m{rng.randrange(MODELS)}/endpoints/e{rng.randrange(ENDPOINTS)}"
        case "agent":
            return f"agents/a{rng.randrange(AGENTS)}"
        case "held":
            # Somebody holds a lease on it: this is refused for as long as that lives.
            return f"agents/held{rng.randrange(HELD)}"
        case _:
            return f"routes/r{rng.randrange(ROUTES)}"


def batch_of_names(rng: random.Random) -> list[str]:
    """Return names of several kinds; a model's endpoints often come with it."""
    names = {any_name(rng) for _ in range(rng.randint(1, 4))}
    for name in sorted(names):
        parent = name.partition("/endpoints/")[0]
        if parent != name and rng.random() < 0.8:
            names.add(parent)
        elif name.startswith("models/") and rng.random() < 0.6:
            names.update(f"{parent}/endpoints/e{i}" for i in range(rng.randint(0, ENDPOINTS)))
    return rng.sample(sorted(names), len(names))


FILTERS: dict[str, tuple[pb.WatchFilter | None, Callable[[Version], bool]]] = {
    "everything": (None, lambda _: True),
    "endpoints": (pb.WatchFilter(kinds=[KIND_ENDPOINT]), lambda v: v.kind == KIND_ENDPOINT),  # type: ignore[list-item]  # numbers are values of open enums
    "one model": (pb.WatchFilter(name_prefix="models/m1"), lambda v: v.name.startswith("models/m1")),
    "red": (pb.WatchFilter(labels={"colour": "red"}), lambda v: v.labels.get("colour") == "red"),
    "tools": (
        pb.WatchFilter(kinds=[KIND_MODEL], capabilities=["tools"]),  # type: ignore[list-item]  # the same
        lambda v: v.kind == KIND_MODEL and "tools" in v.words,
    ),
    "translators": (
        pb.WatchFilter(kinds=[KIND_AGENT], capabilities=["translate"]),  # type: ignore[list-item]  # the same
        lambda v: v.kind == KIND_AGENT and "translate" in v.words,
    ),
    "an expression": (
        pb.WatchFilter(filter='labels.colour == "red" || agent.skills.exists(s, s.id == "translate")'),
        lambda v: v.labels.get("colour") == "red" or (v.kind == KIND_AGENT and "translate" in v.words),
    ),
    "names": (
        pb.WatchFilter(names=["models/m0", "agents/a0", "agents/held0", "agents/held1"]),
        lambda v: v.name in {"models/m0", "agents/a0", "agents/held0", "agents/held1"},
    ),
    "nothing": (pb.WatchFilter(labels={"colour": "none"}), lambda v: v.labels.get("colour") == "none"),
}
"""What watchers select, and the same as a function."""


def collection(versions: Iterable[Version], wanted: str) -> dict[str, Version]:
    """Return what a List of *wanted* shows."""
    kinds = {"models": KIND_MODEL, "models/-/endpoints": KIND_ENDPOINT, "agents": KIND_AGENT, "routes": KIND_ROUTE}
    return {version.name: version for version in versions if version.kind == kinds[wanted]}


COLLECTIONS = ("models", "models/-/endpoints", "agents", "routes")
