"""The rules for models, and for the parts that endpoints share with them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields

from airegistry.errors import FieldViolation
from airegistry.resources.model import Benchmark, Capability, Lifecycle, Model, ModelLimits
from airegistry.resources.provenance import FactSource, Provenance
from airegistry.resources.resource import ResourceKind
from airegistry.resources.validation.rules import (
    MAX_INT32,
    MAX_INT64,
    Violations,
    at_key,
    each,
    identifier,
    limited,
    name_of,
    number,
    positive,
    required,
    size,
    text,
    whole,
)

MAX_CAPABILITIES = 64
_MAX_FACT_SOURCES = 32
_MAX_FACTS = 128

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

_LONG_LIMITS = ("context_tokens", "max_input_tokens", "max_output_tokens")
_LIMITS = {field.name: MAX_INT64 if field.name in _LONG_LIMITS else MAX_INT32 for field in fields(ModelLimits)}
_check_replacement = name_of(ResourceKind.MODEL, ResourceKind.ROUTE)


def check_model(model: Model, path: str) -> Violations:
    """Yield what is wrong with a model."""
    yield from text(model.description, f"{path}.description")
    yield from each(model.original_ids, f"{path}.original_ids", required, most=32)
    yield from each(model.aliases, f"{path}.aliases", identifier, most=32)
    yield from each(model.tasks, f"{path}.tasks", required, most=16)
    yield from check_capabilities(model.capabilities, f"{path}.capabilities")
    yield from check_limits(model.limits, f"{path}.limits")
    if model.lifecycle is not None:
        yield from _check_lifecycle(model.lifecycle, f"{path}.lifecycle")
    yield from each(model.benchmarks, f"{path}.benchmarks", _check_benchmark, most=64)
    yield from whole(model.parameter_count, f"{path}.parameter_count")
    yield from check_provenance(model.provenance, f"{path}.provenance")
    yield from check_fact_sources(model.fact_sources, f"{path}.fact_sources")


def _check_lifecycle(lifecycle: Lifecycle, path: str) -> Violations:
    if lifecycle.replacement:
        yield from _check_replacement(lifecycle.replacement, f"{path}.replacement")
    elif lifecycle.redirect:
        yield FieldViolation(f"{path}.replacement", "is required where calls are redirected to it")


def check_capabilities(capabilities: Mapping[str, Capability], path: str) -> Violations:
    """Yield what is wrong with capabilities."""
    yield from size(capabilities, path, most=MAX_CAPABILITIES)
    for name, capability in limited(capabilities.items(), most=MAX_CAPABILITIES):
        where = at_key(path, name)
        yield from required(name, where)
        if (capability.supported is None) == (capability.level is None):
            yield FieldViolation(where, "exactly one of supported, level must be set")
        yield from whole(capability.level, f"{where}.level", low=1, high=5)


def check_limits(limits: ModelLimits | None, path: str) -> Violations:
    """Yield what is wrong with limits."""
    if limits is not None:
        for name, high in _LIMITS.items():
            yield from whole(getattr(limits, name), f"{path}.{name}", high=high)


def check_provenance(provenance: Provenance | None, path: str) -> Violations:
    """Yield what is wrong with a provenance."""
    if provenance is None:
        return
    yield from required(provenance.source, f"{path}.source")
    if provenance.digest and not _DIGEST.fullmatch(provenance.digest):
        yield FieldViolation(f"{path}.digest", "must be sha256: and 64 hexadecimal digits")


def check_fact_sources(sources: Sequence[FactSource], path: str) -> Violations:
    """Yield what is wrong with the sources of single facts."""
    yield from size(sources, path, most=_MAX_FACT_SOURCES)
    named: set[str] = set()
    for i, source in enumerate(limited(sources, most=_MAX_FACT_SOURCES)):
        where = f"{path}[{i}]"
        yield from size(source.fields, f"{where}.fields", least=1, most=_MAX_FACTS)
        for j, field in enumerate(limited(source.fields, most=_MAX_FACTS)):
            yield from required(field, f"{where}.fields[{j}]")
            if field in named:
                yield FieldViolation(f"{where}.fields[{j}]", "is named twice")
            named.add(field)
        yield from check_provenance(source.provenance, f"{where}.provenance")


def _check_benchmark(benchmark: Benchmark, path: str) -> Violations:
    yield from required(benchmark.name, f"{path}.name")
    yield from number(benchmark.score, f"{path}.score")
    yield from positive(benchmark.max_score, f"{path}.max_score")
    yield from check_provenance(benchmark.provenance, f"{path}.provenance")
