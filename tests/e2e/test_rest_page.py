"""docs/rest.md: every example of it is run against servers inside Envoy, and answers what the page states."""

import re
from collections import Counter

import pytest
from google.protobuf import json_format, message_factory

from tests.e2e.rest_page import ANY, PAGE, differences, examples, problem, run
from tests.e2e.rest_plane import plane_in_envoy
from tests.rest_calls import bindings, our_services

TEXT = PAGE.read_text()
EXAMPLES = examples(TEXT)
BINDINGS = [one for service in our_services() for method in service.methods for one in bindings(method)]
_ROW = re.compile(r"^\| [^|]+ \| (GET|POST|PATCH|DELETE) \| (`[^|]+`) \| (\w*) \|$", re.MULTILINE)
_CURL = re.compile(r"\bcurl\b(.*?)(?=\bcurl\b|\Z)", re.DOTALL)
_BODY = re.compile(r" -d '([^']*)'")
_SET_BY_THE_SHELL = re.compile(r"'\$\w+'")
_URL = re.compile(r"\$(?:REGISTRY|GATEWAY)(/[^\s\"'?]+)")


def listed():
    """The rows of the page's table: method, path, RPC."""
    for method, paths, rpc in _ROW.findall(TEXT):
        for path in re.findall(r"`([^`]+)`", paths):
            yield method, path, rpc


def _named(path):
    """`/v1/{name=models/*}` as `/v1/models/{model}`."""
    path = re.sub(r"\{[\w.]+=([^}]*)\}", r"\1", path)
    return re.sub(r"(\w+)s/\*", r"\1s/{\1}", path)


def called():
    """The methods, paths and bodies that the examples send."""
    for example in EXAMPLES:
        for command in _CURL.findall(example.command):
            method = re.search(r"-X (\w+)", command)
            # What it is stands for both a time and a text.
            body = _BODY.search(_SET_BY_THE_SHELL.sub("2026-03-01T12:00:00Z", command))
            url = _URL.search(command)
            assert url, command
            yield method[1] if method else "POST" if body else "GET", url[1], body and body[1]


def _matches(path, pattern):
    return re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/:]+", re.escape(pattern)), path) is not None


def test_the_table_has_every_path_of_every_rpc_and_nothing_else():
    rows = Counter(row for row in listed() if row[2])
    assert rows == Counter((one.verb, _named(one.template), one.method.name) for one in BINDINGS)


def test_every_path_of_the_table_has_an_example():
    calls = {(verb, path) for verb, path, _ in called()}
    untried = [
        f"{method} {pattern}"
        for method, pattern, _ in listed()
        if not any(verb == method and _matches(path, pattern) for verb, path in calls)
    ]
    assert untried == []


def test_every_body_of_an_example_has_fields_that_there_are():
    # Envoy would pass over others, so that the answer need not show it.
    sent = [(verb, path, body) for verb, path, body in called() if body]
    for verb, path, body in sent:
        (binding,) = [one for one in BINDINGS if one.verb == verb and _matches(path, _named(one.template))]
        whole = binding.method.input_type
        message = whole if binding.body == "*" else whole.fields_by_name[binding.body].message_type
        assert message is not None
        json_format.Parse(body, message_factory.GetMessageClass(message)())
    assert len(sent) > 20


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
