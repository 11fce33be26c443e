"""What a model's stage of life means for calls: who answers for it, and what its callers are told."""

from __future__ import annotations

from datetime import datetime

from airegistry.discovery.rows.timing import stage_at
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.resources.model import Lifecycle, LifecycleStage
from airegistry.resources.resource import Resource
from airegistry.routing.view import View

MODEL = "invocation.model"
"""The path of what is told of a model by its name."""


def retired(model: Resource | None, at: datetime) -> bool:
    """Say whether a model is gone."""
    if model is None or model.model is None or model.model.lifecycle is None:
        return False
    return stage_at(model.model.lifecycle, at) is LifecycleStage.RETIRED


def replacement(model: Resource | None) -> str:
    """Return what to use instead of a model, by name; empty where nothing is named."""
    lifecycle = lifecycle_of(model)
    return lifecycle.replacement if lifecycle is not None else ""


def successor(resource: Resource, view: View, at: datetime) -> Resource:
    """Return who answers for a name: the replacement of a retired model whose lifecycle redirects, else itself.

    Followed from one to the next; one that leads back to where it came from, or nowhere, redirects nobody.
    """
    if not retired(resource, at):
        return resource
    passed = {resource.name}
    current = resource
    while retired(current, at):
        lifecycle = lifecycle_of(current)
        following = view.get(lifecycle.replacement) if lifecycle is not None and lifecycle.redirect else None
        if following is None or following.name in passed:
            return resource
        passed.add(following.name)
        current = following
    return current


def redirected(asked: Resource, current: Resource) -> FieldWarning:
    """Return what a caller is told whose model is gone and has a successor."""
    return FieldWarning(MODEL, f"{asked.name} is retired; {current.name} answers instead")


def deprecated(model: Resource | None, at: datetime) -> FieldWarning | None:
    """Return what a caller of a deprecated model is told; None when it is not."""
    lifecycle = lifecycle_of(model)
    if model is None or lifecycle is None or stage_at(lifecycle, at) is not LifecycleStage.DEPRECATED:
        return None
    until = f" and will be retired on {lifecycle.retire_time:%Y-%m-%d}" if lifecycle.retire_time is not None else ""
    instead = f"; use {lifecycle.replacement} instead" if lifecycle.replacement else ""
    return FieldWarning(MODEL, f"{model.name} is deprecated{until}{instead}")


def lifecycle_of(model: Resource | None) -> Lifecycle | None:
    """Return what a model declares of its life; None where it declares nothing."""
    return model.model.lifecycle if model is not None and model.model is not None else None
