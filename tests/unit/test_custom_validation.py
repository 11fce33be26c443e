"""A declared format is checked when it is registered: each mistake is named by the path of its field."""

import subprocess
import sys
from dataclasses import replace

import pytest

from airegistry.resources.endpoint import Communication, CustomFormat, Endpoint
from airegistry.resources.finish_reason import FinishReason
from airegistry.resources.validation.endpoint import check_endpoint

GOOD = CustomFormat(
    request_template='{"q": {{ prompt | tojson }}, "n": {{ max_output_tokens }}, "s": {{ stream }}}',
    response_paths={"text": "out.text", "finish_reason": "out.why", "usage.input_tokens": "n.in"},
    stream_paths={"text": "piece", "finish_reason": "why"},
    finish_reasons={"full": FinishReason.LENGTH},
    error_paths={"message": "oops.what", "error": "oops"},
    error_reasons={"E42": "CONTEXT_LENGTH_EXCEEDED"},
)
CUSTOM = "endpoint.communication.custom"


def problems(custom, dialect="custom", **communication):
    schema = Communication(dialect=dialect, custom=custom, **communication)
    endpoint = Endpoint(provider="parrot", upstream_model="p", communication=schema)
    return {violation.field: violation.description for violation in check_endpoint(endpoint, "endpoint")}


def test_a_good_format_passes():
    assert problems(GOOD) == {}


def test_dialect_custom_needs_a_format():
    assert problems(None) == {CUSTOM: "is required by the dialect custom"}


CASES = {
    "no-template": ({"request_template": ""}, "request_template", "is required"),
    "syntax": ({"request_template": "{{ prompt"}, "request_template", "line 1"),
    "unknown-name": ({"request_template": "{{ promt | tojson }}"}, "request_template", "mentions promt"),
    "quotes-instead-of-tojson": (
        {"request_template": '{"q": "{{ prompt }}"}'},
        "request_template",
        "does not give JSON",
    ),
    "only-with-a-limit": (
        {"request_template": '{ {% if temperature is not none %}"t": {{ temperature }},{% endif %} }'},
        "request_template",
        "does not give JSON",
    ),
    "only-with-tools": (
        {"request_template": '{"q": 1{% for tool in tools %}, "{{ tool.description }}": 1{% endfor %}}'},
        "request_template",
        "does not give JSON",
    ),
    "no-response-paths": ({"response_paths": {}}, "response_paths", "at least 1"),
    "unknown-field": ({"response_paths": {"txt": "a"}}, "response_paths[txt]", "is not one of"),
    "embeddings-in-a-stream": (
        {"stream_paths": {"text": "a", "finish_reason": "b", "embeddings": "c"}},
        "stream_paths[embeddings]",
        "is not one of",
    ),
    "bad-path": ({"response_paths": {"text": "a["}}, "response_paths[text]", "is not a JMESPath expression"),
    "orphan": (
        {"response_paths": {"text": "a", "tool_calls.id": "b"}},
        "response_paths[tool_calls.id]",
        "needs a path",
    ),
    "stream-without-an-end": ({"stream_paths": {"text": "a"}}, "stream_paths", "no end can be told"),
    "stream-without-words": ({"stream_paths": {"finish_reason": "a"}}, "stream_paths", "for text or for tool_calls"),
    "unknown-error-field": ({"error_paths": {"words": "a"}}, "error_paths[words]", "is not one of"),
    "unknown-reason": ({"error_reasons": {"E1": "TOO_BAD"}}, "error_reasons[E1]", "CONTEXT_LENGTH_EXCEEDED"),
    "method": ({"method": "GET"}, "method", "must be POST, PUT or PATCH"),
    "stream-path": ({"stream_path": "stream"}, "stream_path", "must begin with a slash"),
    "tensors": ({"tensors": {"text": "x"}}, "tensors", "must be unset"),
    "too-many": ({"finish_reasons": {str(i): FinishReason.STOP for i in range(65)}}, "finish_reasons", "at most 64"),
}


@pytest.mark.parametrize(("changed", "field", "words"), CASES.values(), ids=CASES)
def test_a_mistake_is_named_by_its_field(changed, field, words):
    found = problems(replace(GOOD, **changed))
    assert list(found) == [f"{CUSTOM}.{field}"]
    assert words in found[f"{CUSTOM}.{field}"]


def test_a_template_need_not_give_json_when_the_request_is_of_another_type():
    assert problems(replace(GOOD, request_template="say: {{ prompt }}"), request_format="text/plain") == {}


def test_an_embeddings_template_is_tried_on_embeddings():
    format_ = CustomFormat(request_template='{"in": {{ inputs | tojson }}}', response_paths={"embeddings": "v"})
    assert problems(format_) == {}
    assert problems(replace(format_, request_template='{"in": "{{ input }}"}'))


def test_kserve_takes_tensors_and_a_prompt_template_that_gives_text():
    tensors = CustomFormat(request_template="{{ prompt }}", tensors={"text": "PROMPT", "stream": "-"})
    assert problems(tensors, dialect="kserve.v2") == {}
    found = problems(replace(tensors, tensors={"txt": "x"}), dialect="kserve.v2")
    assert list(found) == [f"{CUSTOM}.tensors[txt]"]


def test_without_the_libraries_names_are_checked_and_templates_are_not(monkeypatch):
    monkeypatch.setattr("airegistry.resources.validation.custom.find_spec", lambda _name: None)
    assert problems(replace(GOOD, request_template="{{ promt")) == {}
    assert problems(replace(GOOD, response_paths={"txt": "a["}))


def test_checking_what_declares_no_format_loads_no_template_engine():
    code = (
        "import sys; from airegistry.resources.validation.endpoint import check_endpoint;"
        "from airegistry.resources.endpoint import *;"
        "list(check_endpoint(Endpoint(provider='p', upstream_model='m', communication=Communication(dialect='openai.chat')), 'e'));"
        "assert not {'minijinja', 'jmespath'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
