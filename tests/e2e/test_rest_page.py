"""docs/rest.md: every example of it is run against servers inside Envoy, and answers what the page states."""

import re
from collections import Counter

import pytest
from google.api import annotations_pb2

from airegistry.v1 import analytics_service_pb2, gateway_service_pb2, registry_service_pb2
from tests.e2e.rest_page import ANY, PAGE, differences, examples, problem, run
from tests.e2e.rest_plane import plane_in_envoy

TEXT = PAGE.read_text()
EXAMPLES = examples(TEXT)
SERVICES = [
    registry_service_pb2.DESCRIPTOR.services_by_name["RegistryService"],
    analytics_service_pb2.DESCRIPTOR.services_by_name["AnalyticsService"],
    gateway_service_pb2.DESCRIPTOR.services_by_name["GatewayService"],
]
_ROW = re.compile(r"^\| [^|]+ \| (GET|POST|PATCH|DELETE) \| (`[^|]+`) \| (\w*) \|$", re.MULTILINE)
_CURL = re.compile(r"\bcurl\b(.*?)(?=\bcurl\b|\Z)", re.DOTALL)
_URL = re.compile(r"\$(?:REGISTRY|GATEWAY)(/[^\s\"'?]+)")


def listed():
    """The rows of the page's table: method, path, RPC."""
    for method, paths, rpc in _ROW.findall(TEXT):
        for path in re.findall(r"`([^`]+)`", paths):
            yield method, path, rpc


def bound():
    """What the annotations say, in the words of the table."""
    for service in SERVICES:
        for method in service.methods:
            rule = method.GetOptions().Extensions[annotations_pb2.http]
            for one in (rule, *rule.additional_bindings):
                verb = one.WhichOneof("pattern") or ""
                yield verb.upper(), _named(getattr(one, verb)), method.name


def _named(path):
    """`/v1/{name=models/*}` as `/v1/models/{model}`."""
    path = re.sub(r"\{[\w.]+=([^}]*)\}", r"\1", path)
    return re.sub(r"(\w+)s/\*", r"\1s/{\1}", path)


def called():
    """The methods and paths that the examples call."""
    for example in EXAMPLES:
        for command in _CURL.findall(example.command):
            method = re.search(r"-X (\w+)", command)
            body = re.search(r" -d ", command)
            url = _URL.search(command)
            assert url, command
            yield method[1] if method else "POST" if body else "GET", url[1]


def _matches(path, pattern):
    return re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/:]+", re.escape(pattern)), path) is not None


def test_the_table_has_every_path_of_every_rpc_and_nothing_else():
    rows = Counter(row for row in listed() if row[2])
    assert rows == Counter(bound())


def test_every_path_of_the_table_has_an_example():
    calls = set(called())
    untried = [
        f"{method} {pattern}"
        for method, pattern, _ in listed()
        if not any(verb == method and _matches(path, pattern) for verb, path in calls)
    ]
    assert untried == []


def test_every_example_that_calls_states_its_answer():
    assert [one.command for one in EXAMPLES if "curl" in one.command and not one.answer.strip()] == []


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rest")
    with plane_in_envoy(folder) as plane:
        placed = [one.__class__(one.title, plane.placed(one.command), one.language, one.answer) for one in EXAMPLES]
        done = run(placed, folder)
        return [one.__class__(plane.usual(one.text), one.well) for one in done]


@pytest.mark.parametrize(
    "number", [pytest.param(i, id=f"{i}-{one.title.replace(' ', '-')}") for i, one in enumerate(EXAMPLES)]
)
def test_an_example_answers_what_the_page_states(outcomes, number):
    example, outcome = EXAMPLES[number], outcomes[number]
    wrong = problem(example, outcome.text)
    assert not wrong, f"{wrong}\n{example.command}\n{outcome.text}"
    assert outcome.well, f"a command failed\n{example.command}\n{outcome.text}"


@pytest.mark.parametrize(
    ("stated", "answered"),
    [
        pytest.param({"a": 1}, {"a": 2}, id="another-value"),
        pytest.param({"a": 1}, {"a": True}, id="another-type"),
        pytest.param({"a": 1}, {"a": 1, "b": 2}, id="a-member-that-is-not-stated"),
        pytest.param({"a": 1, ANY: ANY}, {"b": 2}, id="a-member-that-is-missing"),
        pytest.param([1], [1, 2], id="a-longer-list"),
        pytest.param([1, 2, ANY], [1], id="a-shorter-list"),
        pytest.param([{"a": ANY}], [{}], id="no-value-for-any-value"),
    ],
)
def test_another_answer_than_stated_is_seen(stated, answered):
    assert differences(stated, answered)


@pytest.mark.parametrize(
    ("stated", "answered"),
    [
        pytest.param({"a": ANY}, {"a": [1, 2]}, id="any-value"),
        pytest.param({"a": 1, ANY: ANY}, {"a": 1, "b": 2}, id="more-members"),
        pytest.param([1, ANY], [1, 2, 3], id="more-elements"),
        pytest.param([1, ANY], [1], id="no-more-elements"),
    ],
)
def test_an_ellipsis_stands_for_what_differs(stated, answered):
    assert differences(stated, answered) == ""
