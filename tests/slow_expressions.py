"""Filter expressions, slowly: a text in CEL beside what `docs/discovery.md` says that it means, read for one subject.

Nothing here asks CEL. An expression is true, false, or about something unknown (None), as requirements are.
"""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from airegistry.resources.model import LifecycleStage, ModelLimits
from airegistry.resources.resource import Health


class Said(str):
    """The text of an expression that knows what it means: `holds(subject)`."""

    __slots__ = ("holds",)

    holds: Callable[[Any], bool | None]


def said(text, holds):
    expression = Said(text)
    expression.holds = holds
    return expression


def opposite(value):
    return None if value is None else not value


def both(values):
    return False if False in values else None if None in values else True


def one(values):
    return True if True in values else None if None in values else False


def compared(value, compare):
    """Compare what is known; an empty text or list is not known."""
    return None if value in (None, "", ()) else compare(value)


def endpoint_of(subject):
    return subject.resource.endpoint


def agent_of(subject):
    return subject.resource.agent


def part(holder, *names):
    """Return what is below, None as soon as something is not set."""
    for name in names:
        holder = None if holder is None else getattr(holder, name)
    return holder


def of_endpoint(text, *names, compare):
    return said(text, lambda subject: compared(part(endpoint_of(subject), *names), compare))


def of_model(text, *names, compare):
    return said(text, lambda subject: compared(part(subject.model, *names), compare))


def has_label(key, value=None):
    def holds(subject):
        labels = {**(subject.parent.labels if subject.parent else {}), **subject.resource.labels}
        return labels[key] == value if key in labels else None

    return holds


def knows_label(key):
    return lambda subject: has_label(key)(subject) is not None


def can_use_tools(subject):
    known = None if subject.is_agent else subject.model.capabilities.get("tools")
    return None if known is None else known.supported


def has_skill(subject):
    skills = () if agent_of(subject) is None else agent_of(subject).skills
    return one([skill.id == "plan" for skill in skills]) if skills else None


def has_tagged_skill(subject):
    skills = () if agent_of(subject) is None else agent_of(subject).skills
    return one(["text" in skill.tags if skill.tags else None for skill in skills]) if skills else None


ATOMS = [
    of_endpoint('endpoint.region == "eu-1"', "region", compare=lambda region: region == "eu-1"),
    of_endpoint('endpoint.region.startsWith("eu")', "region", compare=lambda region: region.startswith("eu")),
    of_endpoint('endpoint.region.matches("^e.*2$")', "region", compare=lambda region: region[0] + region[-1] == "e2"),
    of_endpoint('endpoint.quantization != "fp8"', "quantization", compare=lambda kind: kind != "fp8"),
    of_endpoint('endpoint.provider in ["acme", "none"]', "provider", compare=lambda provider: provider == "acme"),
    of_endpoint("endpoint.weight >= 2", "weight", compare=lambda weight: weight >= 2),
    of_endpoint(
        "endpoint.declared.tokens_per_second > 10.0", "declared", "tokens_per_second", compare=lambda speed: speed > 10
    ),
    of_endpoint(
        'endpoint.declared.time_to_first_token <= duration("200ms")',
        "declared",
        "time_to_first_token",
        compare=lambda seconds: seconds <= 0.2,
    ),
    of_endpoint(
        "endpoint.data_policy.trains_on_data", "data_policy", "trains_on_data", compare=lambda trains: trains is True
    ),
    of_endpoint(
        "endpoint.limits.max_output_tokens < 5000", "limits", "max_output_tokens", compare=lambda tokens: tokens < 5000
    ),
    of_model('model.family == "f"', "family", compare=lambda family: family == "f"),
    of_model("model.limits.context_tokens >= 8192", "limits", "context_tokens", compare=lambda tokens: tokens >= 8192),
    of_model('"text-generation" in model.tasks', "tasks", compare=lambda tasks: "text-generation" in tasks),
    of_model(
        "model.benchmarks.exists(b, b.score > 1.0)",
        "benchmarks",
        compare=lambda benchmarks: any(benchmark.score > 1 for benchmark in benchmarks),
    ),
    of_model(
        "model.lifecycle.stage == LifecycleStage.LIFECYCLE_STAGE_PREVIEW",
        "lifecycle",
        "stage",
        compare=lambda stage: stage is LifecycleStage.PREVIEW,
    ),
    said("model.capabilities.tools.supported", can_use_tools),
    said('labels.team == "a"', has_label("team", "a")),
    said('labels["tier"] == "b"', has_label("tier", "b")),
    said("has(labels.tier)", knows_label("tier")),
    said('"team" in resource.labels', lambda subject: "team" in subject.resource.labels),
    said("has(resource.status)", lambda subject: subject.resource.status is not None),
    said(
        "resource.status.health == Health.HEALTH_SERVING",
        lambda subject: compared(part(subject.resource.status, "health"), lambda health: health is Health.SERVING),
    ),
    said(
        "has(model.limits.context_tokens)",
        lambda subject: (subject.model.limits or ModelLimits()).context_tokens is not None,
    ),
    said("has(endpoint.declared)", lambda subject: part(endpoint_of(subject), "declared") is not None),
    said(
        'agent.version == "1"',
        lambda subject: compared(part(agent_of(subject), "version"), lambda version: version == "1"),
    ),
    said('agent.skills.exists(s, s.id == "plan")', has_skill),
    said('agent.skills.exists(s, "text" in s.tags)', has_tagged_skill),
]


def negated(expression):
    return said(f"!({expression})", lambda subject: opposite(expression.holds(subject)))


def joined(operator, left, right):
    reading = both if operator == "&&" else one
    return said(f"({left}) {operator} ({right})", lambda subject: reading([left.holds(subject), right.holds(subject)]))


EXPRESSIONS = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.builds(negated, inner) | st.builds(joined, st.sampled_from(["&&", "||"]), inner, inner),
    max_leaves=4,
)


def expression(rng, depth=3):
    """Return a random expression of a seeded generator."""
    kind = rng.random()
    if kind < 0.4 or depth == 0:
        return rng.choice(ATOMS)
    if kind < 0.6:
        return negated(expression(rng, depth - 1))
    return joined(rng.choice(["&&", "||"]), expression(rng, depth - 1), expression(rng, depth - 1))
