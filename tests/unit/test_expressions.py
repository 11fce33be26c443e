import gc
import sys
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airegistry._convert import to_pb
from airegistry.errors import InvalidArgumentError, UnsupportedFieldError
from airegistry.expressions import language
from airegistry.expressions.expression import MAX_COMPILED, Expression, compile_expression
from airegistry.expressions.routes import validate_filters
from airegistry.resources.agent import Agent, AgentSkill
from airegistry.resources.endpoint import DataPolicy, DeclaredPerformance, Endpoint
from airegistry.resources.model import Benchmark, Capability, Lifecycle, LifecycleStage, Modality, Model, ModelLimits
from airegistry.resources.prices import Price, PriceBucket, PriceList, PriceSchedule
from airegistry.resources.requirements import DiscoverQuery, Requirements
from airegistry.resources.resource import Health, Resource, ResourceStatus
from airegistry.resources.route import Route, RouteTarget, RouteTier
from airegistry.v1 import resource_pb2

MODEL = Resource(
    name="models/m",
    labels={"team": "model's", "stage": "beta"},
    model=Model(
        family="gpt",
        tasks=("text-generation",),
        input_modalities=(Modality.TEXT, Modality.IMAGE),
        capabilities={"tools": Capability(supported=True), "code": Capability(level=4), "seed": Capability(False)},
        limits=ModelLimits(context_tokens=128_000),
        lifecycle=Lifecycle(stage=LifecycleStage.PREVIEW),
        benchmarks=(Benchmark("mmlu", 80.5),),
        knowledge_time=datetime(2025, 6, 1, tzinfo=UTC),
    ),
)
ENDPOINT = Resource(
    name="models/m/endpoints/e",
    labels={"team": "endpoint's"},
    status=ResourceStatus(health=Health.SERVING),
    endpoint=Endpoint(
        provider="acme",
        region="eu-west-1",
        prices=PriceList((PriceSchedule((Price(PriceBucket.INPUT_TOKENS, nanos=5),)),)),
        declared=DeclaredPerformance(time_to_first_token=0.25, tokens_per_second=80.0),
        data_policy=DataPolicy(trains_on_data=False),
    ),
)
AGENT = Resource(name="agents/a", agent=Agent(version="2", skills=(AgentSkill(id="plan", tags=("text", "todo")),)))


def holds(text, resource=ENDPOINT, model=MODEL):
    return compile_expression(text, "filter").holds(resource, model)


@pytest.mark.parametrize(
    "text",
    [
        'endpoint.region == "eu-west-1"',
        'endpoint.region.startsWith("eu-") && endpoint.provider in ["acme", "other"]',
        'endpoint.region.matches("^eu-[a-z]+-1$")',
        'model.family == "gpt" && model.limits.context_tokens >= 100000',
        'model.tasks.exists(t, t == "text-generation")',
        '"text-generation" in model.tasks',
        "Modality.MODALITY_IMAGE in model.input_modalities",
        "model.capabilities.tools.supported && model.capabilities.code.level > 3",
        '!model.capabilities["seed"].supported',
        "model.lifecycle.stage == LifecycleStage.LIFECYCLE_STAGE_PREVIEW",
        'model.benchmarks.exists(b, b.name == "mmlu" && b.score > 80.0)',
        'model.knowledge_time > timestamp("2025-01-01T00:00:00Z")',
        'endpoint.declared.time_to_first_token < duration("300ms")',
        "endpoint.declared.tokens_per_second > 50.0",
        "!endpoint.data_policy.trains_on_data",
        "endpoint.priority == 0",
        "endpoint.prices.schedules.exists(s, s.prices.exists(p, p.nanos < 10))",
        "resource.status.health == Health.HEALTH_SERVING",
        'resource.name == "models/m/endpoints/e"',
        'labels.team == "endpoint\'s" && labels["stage"] == "beta"',
        'resource.labels.team == "endpoint\'s"',
        'has(labels.team) && !has(labels.tier) && !("tier" in labels)',
        '!("stage" in resource.labels)',
        "has(resource.endpoint) && !has(resource.model)",
    ],
)
def test_an_expression_sees_the_resource_as_the_api_shows_it(text):
    assert holds(text)
    assert not holds(f"!({text})")


UNKNOWN = [
    "endpoint.limits.context_tokens < 9000",
    "endpoint.weight == 0",
    'endpoint.quantization != "fp8"',
    'endpoint.quantization == ""',
    "endpoint.declared.reliability > 0.5",
    'endpoint.data_policy.retention == duration("0s")',
    "model.capabilities.code.supported",
    "model.capabilities.reasoning.supported",
    '"best" in model.aliases',
    "model.aliases.size() == 0",
    "agent.skills.size() == 0",
    "endpoint.capabilities.size() == 0",
    'model.lifecycle.deprecate_time < timestamp("2030-01-01T00:00:00Z")',
    "model.lifecycle.redirect",
    'labels.tier == "a"',
    'agent.version == "2"',
    "resource.status.liveness != Liveness.LIVENESS_SUSPECT",
]


@pytest.mark.parametrize("text", UNKNOWN)
def test_what_is_unknown_does_not_satisfy_nor_does_its_opposite(text):
    assert not holds(text)
    assert not holds(f"!({text})")


@pytest.mark.parametrize("text", UNKNOWN)
def test_the_unknown_does_not_matter_where_something_else_decides(text):
    assert holds(f"({text}) || true")
    assert not holds(f"({text}) || false")
    assert not holds(f"!(({text}) && false) && ({text})")
    assert holds(f"!(({text}) && false)")


@pytest.mark.parametrize(
    "path",
    ["endpoint.limits", "endpoint.limits.context_tokens", "endpoint.quantization", "model.aliases", "agent.version"],
)
def test_has_tells_what_is_unknown(path):
    assert holds(f"!has({path})")
    assert not holds(f"has({path})")


def test_without_a_model_everything_about_it_is_unknown():
    assert not holds('model.family == "gpt"', model=None)
    assert not holds('model.family != "gpt"', model=None)
    assert holds("!has(model.family)", model=None)


def test_a_resource_without_labels_is_known_to_have_none():
    assert holds('!("team" in resource.labels) && !("team" in labels)', AGENT, None)


def test_an_agent_has_skills_and_no_endpoint():
    text = 'agent.skills.exists(s, s.id == "plan" && s.tags.exists(t, t == "todo"))'
    assert holds(text, AGENT, None)
    assert not holds('endpoint.region == "x" || endpoint.region != "x"', AGENT, None)


@pytest.mark.parametrize("resource", [MODEL, ENDPOINT, AGENT], ids=["model", "endpoint", "agent"])
@pytest.mark.parametrize(
    "text",
    [
        'model.family == "gpt"',
        'endpoint.provider == "acme"',
        'agent.version == "2"',
        'labels.stage == "beta"',
        "has(resource.status)",
        "!has(route.tiers)",
    ],
)
def test_a_resource_by_itself_is_the_same_from_fields_and_as_it_travels(resource, text):
    expression = compile_expression(text, "filter")
    assert expression.holds(resource) is expression.holds_of(to_pb(resource, resource_pb2.Resource))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("endpoint.region ==", "line 1, column 19: syntax error: mismatched input '<EOF>'"),
        ("true &&\n  endpoint.regoin", "line 2, column 11: Endpoint has no field 'regoin'; did you mean 'region'?"),
        ('endpont.region == "x"', "line 1, column 8: 'endpont.region' is not known; did you mean 'endpoint'?"),
        (
            "resource.status.health == Health.SERVNG",
            "line 1, column 33: there is no such field or value; values of enums are written like Health.HEALTH_SERVING",
        ),
        ('endpoint.weight == "1"', "line 1, column 17: '==' does not take (int, string)"),
        ("endpoint.declared.reliability > 1", "line 1, column 31: '>' does not take (double, int); numbers must be "),
        ('duration("5 s") < duration("9s")', "line 1, column 9: String to Duration conversion failed"),
        ('endpoint.region.matches("(")', "line 1, column 24: invalid regular expression: missing ): ("),
        (
            "endpoint.region.matches(endpoint.provider)",
            "line 1, column 24: the pattern of matches() must be written out",
        ),
        ("dyn(endpoint).region == 1", "line 1, column 4: dyn() is not available"),
        ("endpoint.region", "must be true or false of a resource, but gives string"),
        ("endpoint.limits", "must be true or false of a resource, but gives ModelLimits"),
        ("(" * 200 + "true" + ")" * 200, "is nested too deeply"),
        ("!" * 5 + "true" + " && true" * 300, "has 2409 characters; at most 2000 are allowed"),
        ("\ud800", "is not text"),
        (
            "model.tasks.exists(t, model.aliases.exists(a, a == t))",
            "line 1, column 43: a loop inside of a loop must go over a part of what the outer one goes over",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place_before_anything_is_asked(text, problem):
    with pytest.raises(InvalidArgumentError) as caught:
        compile_expression(text, "query.requirements.filter")
    (first, *_) = caught.value.violations
    assert first.field == "query.requirements.filter"
    assert first.description.startswith(problem)


def test_several_mistakes_are_told_at_once():
    with pytest.raises(InvalidArgumentError) as caught:
        compile_expression("endpoint.a == 1 || endpoint.b == 2 || endpoint.c == 3 || endpoint.d == 4", "f")
    assert [each.description.split(":")[1] for each in caught.value.violations] == [
        " Endpoint has no field 'a'",
        " Endpoint has no field 'b'",
        " Endpoint has no field 'c'",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "true" + " && true" * 245,
        " || ".join(f'endpoint.region == "{i}"' for i in range(60)),
        "(" * 30 + "true" + ")" * 30,
        f"[{','.join('1' for _ in range(900))}].all(x, x == 1)",
    ],
    ids=["long-and", "many-reads", "deep", "long-list"],
)
def test_what_is_long_but_within_bounds_is_evaluated(text):
    assert holds(f"{text} || true")


def test_a_pattern_takes_time_that_grows_no_faster_than_the_text():
    evil = Resource(name="models/m/endpoints/e", endpoint=Endpoint(region="a" * 100_000))
    assert not holds('endpoint.region.matches("(a*)*b")', evil, None)


def test_what_goes_through_too_much_does_not_satisfy():
    crowd = Resource(name="agents/a", agent=Agent(skills=tuple(AgentSkill(id=str(i)) for i in range(11_000))))
    assert not holds('agent.skills.all(s, s.id != "x")', crowd, None)


def test_equal_texts_are_compiled_once():
    assert compile_expression("has(resource.name)", "a") is compile_expression("has(resource.name)", "b")


def expressions():
    return [each for each in gc.get_objects() if isinstance(each, Expression)]


def test_compiled_expressions_do_not_pile_up():
    elsewhere = set(map(id, expressions()))
    for i in range(MAX_COMPILED + 10):
        compile_expression(f"endpoint.weight == {i}", "filter")
    first = compile_expression("endpoint.weight == 0", "filter")
    last = compile_expression(f"endpoint.weight == {MAX_COMPILED + 9}", "filter")
    assert first is compile_expression("endpoint.weight == 0", "filter")
    assert last is compile_expression(f"endpoint.weight == {MAX_COMPILED + 9}", "filter")
    assert sum(id(each) not in elsewhere for each in expressions()) <= MAX_COMPILED + 10


def test_the_filters_in_a_route_are_checked_by_path():
    def route(text):
        query = DiscoverQuery(requirements=Requirements(filter=text))
        tiers = (RouteTier((RouteTarget(model="models/m"),)), RouteTier((RouteTarget(query=query),)))
        return Resource(name="routes/r", route=Route(tiers=tiers))

    (violation,) = validate_filters(route("endpoint.regoin == 1"), path="resources[2]")
    assert violation.field == "resources[2].route.tiers[1].targets[0].query.requirements.filter"
    assert validate_filters(route('endpoint.region == "x"'), path="") == []
    assert validate_filters(MODEL, path="") == []


def test_where_the_library_is_missing_a_filter_is_refused_by_field(monkeypatch):
    monkeypatch.setitem(sys.modules, "cel_expr_python", None)
    language.environment.cache_clear()
    try:
        with pytest.raises(UnsupportedFieldError, match=r"filter: .*install airegistry\[filters\]"):
            compile_expression("endpoint.weight == 123456", "filter")
    finally:
        language.environment.cache_clear()


LETTERS = st.text(st.sampled_from("abehnoprst.()[]{}!&|<>=?:,+-*/%\"'\\ \n0129_")) | st.text()


@given(LETTERS | st.tuples(st.sampled_from(UNKNOWN), LETTERS, st.integers(0, 30)))
def test_whatever_is_written_is_compiled_or_refused(written):
    if isinstance(written, tuple):
        text, more, at = written
        written = text[:at] + more + text[at:]
    with suppress(InvalidArgumentError):
        assert compile_expression(written, "filter").holds(ENDPOINT, MODEL) in (True, False)
