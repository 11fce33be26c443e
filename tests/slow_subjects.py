"""One endpoint or agent with its model, as `requirements.proto` and `docs/discovery.md` say that requirements see it.

A requirement holds (True), does not (False), or is about something unknown (None).
"""

import math
from fractions import Fraction

from airegistry.discovery.tasks import meanings
from airegistry.resources.agent import AgentCapabilities
from airegistry.resources.endpoint import AuthMethod, DataPolicy
from airegistry.resources.model import LifecycleStage, Modality, Model, ModelLimits
from airegistry.resources.prices import PriceBucket
from airegistry.resources.pricing import in_force, nanos_for
from airegistry.resources.resource import AgentState, Health, Liveness, ResourceStatus
from tests.slow_measurements import NO_LIMITS, NOTHING_DECLARED, Seen, numbers


def all3(values):
    values = list(values)
    return False if False in values else None if None in values else True


def any3(values):
    values = list(values)
    return True if True in values else None if None in values else False


def one_of(value, wanted):
    return value in wanted if value else None


def within(value, least=-math.inf, most=math.inf):
    return None if value is None else least <= value <= most


class Subject:
    """One endpoint or agent with its model, as the requirements see it."""

    def __init__(self, resource, models, at, performance=None, names=None):
        self.resource, self.name, self.at = resource, resource.name, at
        self.seen = Seen(performance, at)
        self.spec = resource.endpoint or resource.agent
        self.is_agent = resource.agent is not None
        parent = None if self.is_agent else models.get(resource.name.split("/endpoints/")[0])
        self.model_name = "" if self.is_agent else resource.name.split("/endpoints/")[0]
        self.parent, self.model = parent, (parent.model if parent else None) or Model()
        self.models = models
        # What was found out is kept: a million questions are asked.
        self.names, self.costs = ({} if names is None else names), {}
        self.status = resource.status or ResourceStatus()

    def capability(self, name):
        if self.is_agent:
            known = self.spec.capabilities or AgentCapabilities()
            return bool(getattr(known, name)) if name in AgentCapabilities.__slots__ else None
        if name == "vision" and Modality.IMAGE in self.model.input_modalities:
            return True
        declared = {**self.model.capabilities, **self.spec.capabilities}.get(name)
        if declared is None:
            return False if name == "vision" and self.model.input_modalities else None
        return True if declared.level is not None else declared.supported

    def task(self, task):
        def way(meaning):
            tagged = None if self.is_agent or not self.model.tasks else meaning.tag in self.model.tasks
            return all3([tagged, self.capability(meaning.capability) if meaning.capability else True])

        return any3(way(meaning) for meaning in meanings(task))

    def modalities(self, side):
        if not self.is_agent:
            return getattr(self.model, f"{side}_modalities")
        kinds = {"text": Modality.TEXT, "image": Modality.IMAGE, "application": Modality.FILE}
        modes = getattr(self.spec, f"default_{side}_modes")
        return [kinds[mode.split("/")[0]] for mode in modes]

    def limit(self, name):
        if self.is_agent:
            return None
        own, model = self.spec.limits or ModelLimits(), self.model.limits or ModelLimits()
        return getattr(model, name) if getattr(own, name) is None else getattr(own, name)

    def declared(self):
        return NOTHING_DECLARED if self.is_agent else self.spec.declared or NOTHING_DECLARED

    def number(self, name):
        return numbers(self.seen, self.declared())[name]

    def rate_limits(self):
        return NO_LIMITS if self.is_agent else self.spec.rate_limits or NO_LIMITS

    def provider(self):
        if self.is_agent:
            return self.spec.provider.organization if self.spec.provider else ""
        return self.spec.provider

    def text(self, name):
        if name == "dialect":
            return "" if self.is_agent or not self.spec.communication else self.spec.communication.dialect
        if name == "quantization":
            return "" if self.is_agent else self.spec.quantization
        if name == "version":
            return self.spec.version if self.is_agent else self.model.version
        return "" if self.is_agent else self.model.family

    def served(self):
        return list(self.spec.models) if self.is_agent else [self.model_name]

    def known_as(self, text):
        if text in self.names:
            return self.names[text]
        names = self.names[text] = {text}
        for name, resource in self.models.items():
            model = resource.model
            originals = {*model.original_ids, *(f"{model.publisher}/{each}" for each in model.original_ids)}
            if text in {name.split("/")[1], *model.aliases, *originals}:
                names.add(name)
        return names

    def labels(self):
        pairs = set(self.resource.labels.items())
        return pairs | set(self.parent.labels.items()) if self.parent else pairs

    def policy(self):
        return self.spec.data_policy or DataPolicy()

    def stage(self):
        life = self.model.lifecycle
        if self.is_agent or life is None:
            return LifecycleStage.ACTIVE
        stage = life.stage or LifecycleStage.ACTIVE
        if life.deprecate_time and life.deprecate_time <= self.at:
            stage = max(stage, LifecycleStage.DEPRECATED)
        return LifecycleStage.RETIRED if life.retire_time and life.retire_time <= self.at else stage

    def usable(self):
        bad_health = self.status.health in (Health.NOT_SERVING, Health.DRAINING)
        bad_lease = self.status.liveness is Liveness.SUSPECT
        return not (bad_health or bad_lease or self.status.agent_state is AgentState.DRAINING)

    def serving(self):
        if not self.usable():
            return False
        if self.status.health is None:
            return True if self.status.agent_state is AgentState.AVAILABLE else None
        return self.status.health is Health.SERVING

    def invocable(self):
        auth = self.spec.auth if self.is_agent else self.spec.communication and self.spec.communication.auth
        credential = bool(self.spec.credential) or bool(auth and auth.method is AuthMethod.NONE)
        if self.is_agent:
            return bool(self.spec.interfaces) and credential
        dialect = self.spec.communication and self.spec.communication.dialect
        return bool(self.spec.address and dialect and credential) and self.stage() is not LifecycleStage.RETIRED

    def cost(self, mix):
        """In nano-USD, exactly; None when a price that it takes is unknown."""
        if mix not in self.costs:
            self.costs[mix] = self.cost_now(mix)
        return self.costs[mix]

    def cost_now(self, mix):
        held = in_force(self.spec.prices, self.at) if self.spec.prices else {}
        total_input = mix.input_tokens + mix.cache_read_tokens

        def price(bucket):
            return nanos_for(held[bucket], total_input) if bucket in held else None

        fresh, output = price(PriceBucket.INPUT_TOKENS), price(PriceBucket.OUTPUT_TOKENS)
        cached = price(PriceBucket.CACHE_READ_TOKENS)
        task = price(PriceBucket.AGENT_TASKS) if self.is_agent else None
        if task is not None:
            fresh = 0 if PriceBucket.INPUT_TOKENS not in held else fresh
            output = 0 if PriceBucket.OUTPUT_TOKENS not in held else output
        cached = fresh if cached is None else cached
        counts = ((mix.input_tokens, fresh), (mix.output_tokens, output), (mix.cache_read_tokens, cached))
        if any(count and nanos is None for count, nanos in counts):
            return None
        return (task or 0) + sum(Fraction(nanos * count, 10**6) for count, nanos in counts if count)
