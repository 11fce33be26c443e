"""The choice of tools and the form of an answer as Anthropic's JSON."""

import dataclasses

import pytest

from airegistry.invocations.chat import ResponseFormat, ResponseFormatKind, Tool, ToolChoice, ToolChoiceMode
from tests.anthropic_requests import HI, YES, encode, knowing


@pytest.mark.parametrize(
    ("choice", "parallel", "wire"),
    [
        (None, None, None),
        (None, True, None),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice(ToolChoiceMode.REQUIRED), None, {"type": "any"}),
        (ToolChoice(ToolChoiceMode.AUTO), False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice(ToolChoiceMode.NONE), False, {"type": "none"}),
        (ToolChoice(), None, {"type": "auto"}),
    ],
    ids=["unset", "parallel", "one-by-one", "required", "auto", "none", "unspecified"],
)
def test_the_choice_of_tools_is_mapped(choice, parallel, wire):
    request = dataclasses.replace(HI, tools=(Tool("f"),), tool_choice=choice, parallel_tool_calls=parallel)
    assert encode(request)[0].get("tool_choice") == wire


def test_a_choice_without_tools_means_nothing():
    body, warned = encode(dataclasses.replace(HI, tool_choice=ToolChoice(ToolChoiceMode.AUTO)))
    assert "tool_choice" not in body
    assert warned == {"chat.tool_choice"}


SCHEMA = {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "object"}}}}
CLOSED = {
    "type": "object",
    "properties": {"a": {"type": "array", "items": {"type": "object", "additionalProperties": False}}},
    "additionalProperties": False,
}
FORM = ResponseFormat(ResponseFormatKind.JSON_SCHEMA, SCHEMA, "person", description="Who it is.")


def test_a_schema_goes_where_the_endpoint_takes_one():
    body, warned = encode(dataclasses.replace(HI, response_format=FORM), knowing(structured_output=YES))
    assert body["output_config"] == {"format": {"type": "json_schema", "schema": CLOSED}}
    assert "tools" not in body
    assert warned == {"chat.response_format.json_schema"}


def test_a_schema_is_asked_for_by_way_of_a_tool_elsewhere():
    body, warned = encode(dataclasses.replace(HI, response_format=FORM))
    (tool,) = body["tools"]
    assert tool["input_schema"] == SCHEMA
    assert "Who it is." in tool["description"]
    assert body["tool_choice"] == {"type": "tool", "name": tool["name"]}
    assert not warned


def test_the_tool_of_the_answer_stands_beside_those_of_the_caller():
    request = dataclasses.replace(
        HI,
        tools=(Tool("answer_in_json"),),
        response_format=ResponseFormat(ResponseFormatKind.JSON_OBJECT),
        parallel_tool_calls=False,
    )
    body, _ = encode(request, knowing(structured_output=YES))
    assert [tool["name"] for tool in body["tools"]] == ["answer_in_json", "answer_in_json_"]
    assert body["tool_choice"] == {"type": "any", "disable_parallel_tool_use": True}


def test_text_needs_no_form():
    assert "tools" not in encode(dataclasses.replace(HI, response_format=ResponseFormat(ResponseFormatKind.TEXT)))[0]
