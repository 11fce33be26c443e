"""What can be asked for on a command line: an option for every requirement."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from typing import Annotated

import typer

from airegistry.cli.values import count, dollars, duration, mix, one_of, pair, per_million, weight
from airegistry.errors import InvalidArgumentError
from airegistry.resources.model import LifecycleStage, Modality
from airegistry.resources.requirements import HealthRequirement, TokenMix
from airegistry.resources.validation.query import ALL_UNKNOWN, MAY_BE_UNKNOWN

_CONTENT = "text, image, audio, video, file or embedding"


_REQUIREMENTS = {
    "capability": "all_capabilities",
    "any-capability": "any_capabilities",
    "takes": "input_modalities",
    "gives": "output_modalities",
    "min-context": "min_context_tokens",
    "min-input": "min_input_tokens",
    "min-output": "min_output_tokens",
    "max-price": "max_price_per_million_nanos",
    "max-cost": "max_cost_nanos",
    "max-latency": "max_time_to_first_token",
    "min-speed": "min_tokens_per_second",
    "provider": "providers",
    "not-provider": "excluded_providers",
    "region": "regions",
    "model": "models",
    "family": "families",
    "model-version": "version",
    "quantization": "quantizations",
    "dialect": "dialects",
}
"""The requirements whose options have other names."""


def requirement(text: str) -> str:
    """Return the requirement that an option sets, where an unknown value could satisfy it."""
    name = _REQUIREMENTS.get(text.removeprefix("--").replace("_", "-"), text.removeprefix("--").replace("-", "_"))
    if name != ALL_UNKNOWN and name not in MAY_BE_UNKNOWN:
        others = MAY_BE_UNKNOWN - set(_REQUIREMENTS.values())
        known = ", ".join(sorted({*_REQUIREMENTS, *(each.replace("_", "-") for each in others)}))
        raise typer.BadParameter(f"{text!r} is no option that an unknown value could satisfy; those are {known}")
    return name


_OPTIONS = {field: option for option, field in _REQUIREMENTS.items()} | {
    "labels": "label",
    "lifecycle_stages": "stage",
    "preference": "prefer",
    "skills": "skill",
    "weights": "weight",
}
_FIELD = re.compile(r"(?:requests\[\d+\]\.)?query\.(?:requirements\.)?(\w+)")


@contextmanager
def options_named() -> Iterator[None]:
    """Let an error that names fields of the query name the options that set them."""
    try:
        yield
    except InvalidArgumentError as error:
        # The one to blame is the same, whatever it is called.
        error.violations = tuple(replace(each, field=_FIELD.sub(_option, each.field)) for each in error.violations)
        if error.violations:
            error.message = "; ".join(f"{each.field}: {each.description}" for each in error.violations)
        raise


def _option(match: re.Match[str]) -> str:
    return f"--{_OPTIONS.get(match[1], match[1]).replace('_', '-')}"


class Best(StrEnum):
    """The named meanings of "best"."""

    BALANCED = "balanced"
    CHEAPEST = "cheapest"
    FASTEST = "fastest"
    MOST_RELIABLE = "most-reliable"
    BEST_QUALITY = "best-quality"


Tasks = Annotated[
    list[str] | None,
    typer.Option(help="What it does, such as chat or text-to-image. Several: each is answered, all from one revision."),
]
Capabilities = Annotated[
    list[str] | None, typer.Option("--capability", "-c", help="What it must be able to do, such as tools.")
]
AnyCapabilities = Annotated[list[str] | None, typer.Option("--any-capability", help="One of these is enough.")]
Takes = Annotated[
    list[Modality] | None,
    typer.Option("--takes", help=f"What must go in: {_CONTENT}.", parser=one_of(Modality), metavar="CONTENT"),
]
Gives = Annotated[
    list[Modality] | None,
    typer.Option("--gives", help=f"What must come out: {_CONTENT}.", parser=one_of(Modality), metavar="CONTENT"),
]
MaxPrice = Annotated[
    int | None,
    typer.Option(
        help="US dollars per million tokens on average, 3 of input to 1 of output unless --usage says more: "
        "2, or with the unit 2/M, 0.002/k, 0.000002/token.",
        parser=per_million,
        metavar="USD",
    ),
]
MaxCost = Annotated[
    int | None,
    typer.Option(help="US dollars for all the tokens of --usage, else for a million.", parser=dollars, metavar="USD"),
]
Usage = Annotated[
    TokenMix | None,
    typer.Option(
        help="The tokens that prices and durations are about: INPUT:OUTPUT, or INPUT:OUTPUT:FROM_CACHE, such as 20k:1k.",
        parser=mix,
        metavar="TOKENS",
    ),
]
MaxLatency = Annotated[
    float | None,
    typer.Option(
        help="The longest median time to the first token, such as 800ms or 2s.", parser=duration, metavar="TIME"
    ),
]
MaxDuration = Annotated[
    float | None,
    typer.Option(help="The longest median time of a call with the output of --usage.", parser=duration, metavar="TIME"),
]
MinSpeed = Annotated[
    float | None, typer.Option(min=0, help="Output tokens per second after the first.", metavar="TOKENS")
]
MinContext = Annotated[
    int | None,
    typer.Option(help="The context it must take: 100k, 1M or 128_000 tokens.", parser=count, metavar="TOKENS"),
]
MinInput = Annotated[
    int | None,
    typer.Option(help="The prompt that must fit, in tokens, such as 20k.", parser=count, metavar="TOKENS"),
]
MinOutput = Annotated[
    int | None,
    typer.Option(help="The answer that must be allowed, in tokens, such as 8k.", parser=count, metavar="TOKENS"),
]
MinReliability = Annotated[
    float | None, typer.Option(min=0, max=1, help="The share of calls that succeed, such as 0.99.")
]
Providers = Annotated[list[str] | None, typer.Option("--provider", help="Who may serve it.")]
ExcludedProviders = Annotated[list[str] | None, typer.Option("--not-provider", help="Who must not serve it.")]
Regions = Annotated[list[str] | None, typer.Option("--region", help="Where it may run; eu-* for all that begin so.")]
Models = Annotated[list[str] | None, typer.Option("--model", help="Which models it may be.")]
Families = Annotated[list[str] | None, typer.Option("--family", help="Which families of models it may be of.")]
Version = Annotated[str, typer.Option("--model-version", help="The version that the model must have.")]
Quantizations = Annotated[list[str] | None, typer.Option("--quantization", help="How it may be quantized.")]
Dialects = Annotated[list[str] | None, typer.Option("--dialect", help="Which format it may speak.")]
Labels = Annotated[
    list[str] | None,
    typer.Option("--label", "-l", help="Only with this label.", parser=pair, metavar="KEY=VALUE"),
]
NoTraining = Annotated[bool, typer.Option("--no-training", help="It must not train on what it is sent.")]
MaxRetention = Annotated[
    float | None,
    typer.Option(
        help="How long it may keep what it is sent, such as 30d; 0 for not at all.", parser=duration, metavar="TIME"
    ),
]
Stages = Annotated[
    list[LifecycleStage] | None,
    typer.Option(
        "--stage",
        help="The stages of life it may be in: preview, active, deprecated, retired. Default: preview and active.",
        parser=one_of(LifecycleStage),
        metavar="STAGE",
    ),
]
Health = Annotated[
    HealthRequirement | None,
    typer.Option(
        help="usable: not known to be down (the default); serving: known to serve; any.",
        parser=one_of(HealthRequirement),
        metavar="HEALTH",
    ),
]
Expression = Annotated[
    str,
    typer.Option(
        "--filter",
        help="Only what this is true of, in CEL, such as 'model.family == \"gpt\"'.",
        metavar="EXPRESSION",
    ),
]
AllowUnknown = Annotated[
    list[str] | None,
    typer.Option(
        help="A requirement that an unknown value satisfies, such as max-latency; * for all.",
        parser=requirement,
        metavar="OPTION",
    ),
]
Skills = Annotated[list[str] | None, typer.Option("--skill", help="What an agent must be able to do.")]
AnyCredential = Annotated[
    bool, typer.Option("--any-credential", help="Also what cannot be invoked: no key is named for it.")
]
Prefer = Annotated[Best | None, typer.Option("--prefer", "--preference", help="What best means. Default: balanced.")]
Weights = Annotated[
    list[str] | None,
    typer.Option(
        "--weight",
        help="What best means, exactly: cost, latency, reliability, quality or load; what is not given counts nothing.",
        parser=weight,
        metavar="PART=WEIGHT",
    ),
]
