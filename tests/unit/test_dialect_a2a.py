"""The dialect `a2a`, without a wire: what it builds, and what it refuses; and messages as bytes."""

import json
from contextlib import suppress
from typing import Any

import pytest
from a2a.types import a2a_pb2 as official
from google.protobuf import descriptor
from hypothesis import given
from hypothesis import strategies as st

from airegistry.a2a.v1 import a2a_pb2 as pb
from airegistry.dialects.a2a.dialect import A2A
from airegistry.dialects.tasks import TaskMessage, TaskPart
from airegistry.errors import (
    MalformedAnswerError,
    ProviderCredentialError,
    ProviderRejectedError,
    UnsupportedFieldError,
)
from airegistry.invocations.chat import (
    ChatRequest,
    Message,
    ResponseFormat,
    ResponseFormatKind,
    Role,
    Tool,
)
from airegistry.invocations.content import ContentBlock, MediaBlock, TextBlock, ThinkingBlock, ToolCall
from airegistry.invocations.kinds import AgentTaskRequest, AgentTaskState
from airegistry.invocations.streaming import WireSeen
from airegistry.invoke.transport.agent_tasks import TaskWire
from airegistry.resources.endpoint import Communication, Endpoint
from tests.catalogs import asked

ENDPOINT = Endpoint(address="grpc://up:1", communication=Communication(dialect="a2a"))
JSON_OBJECT = ResponseFormat(ResponseFormatKind.JSON_OBJECT)
KNOWN = {"a2a": {"context_id": "c", "task_id": "t", "state": "INPUT_REQUIRED"}}


def text(words="hi"):
    return ContentBlock(text=TextBlock(words))


def user(*blocks):
    return Message(Role.USER, blocks or (text(),))


def said(request, **facts) -> tuple[TaskMessage, list[str]]:
    encoded = A2A().encode(request, ENDPOINT, stream=False, **facts)
    message: Any = encoded.call.request
    return message, [warning.path for warning in encoded.warnings]


def refused(request) -> list[str]:
    with pytest.raises(UnsupportedFieldError) as caught:
        said(request)
    return [violation.field for violation in caught.value.violations]


def test_several_messages_of_the_user_in_a_row_are_one():
    message, warnings = said(ChatRequest(messages=(user(text("a")), user(text("b"), text("c")))))
    assert [part.text for part in message.parts] == ["a", "b", "c"]
    assert warnings == []


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"messages": (Message(Role.SYSTEM, (text(),)), user())}, "chat.messages[0]"),
        ({"messages": (user(), Message(Role.ASSISTANT, (text(),)), user())}, "chat.messages"),
        ({"messages": (user(), Message(Role.ASSISTANT, (text(),))), "extra": KNOWN}, "chat.messages[1].role"),
        ({"tools": (Tool("look"),)}, "chat.tools"),
        (
            {"response_format": ResponseFormat(ResponseFormatKind.JSON_SCHEMA, {"type": "object"})},
            "chat.response_format",
        ),
        ({"choice_count": 2}, "chat.choice_count"),
        ({"output_modalities": ("text", "audio")}, "chat.output_modalities"),
        ({"messages": (user(ContentBlock(tool_call=ToolCall("1", "f"))),)}, "chat.messages[0].content[0].tool_call"),
        (
            {"messages": (user(ContentBlock(file=MediaBlock(file_id="f"))),)},
            "chat.messages[0].content[0].file.file_id",
        ),
        ({"extra": {"a2a": "c"}}, "chat.extra.a2a"),
        ({"extra": {"a2a": {"contextId": "c"}}}, "chat.extra.a2a.contextId"),
        ({"extra": {"a2a": {"context_id": 7}}}, "chat.extra.a2a.context_id"),
        ({"extra": {"a2a": {"accepted_output_modes": "text"}}}, "chat.extra.a2a.accepted_output_modes"),
        ({"extra": {"a2a": {"metadata": []}}}, "chat.extra.a2a.metadata"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_would_be_another_question_is_refused_by_its_path(facts, field):
    assert refused(ChatRequest(**{"messages": (user(),), **facts})) == [field]


def test_everything_that_is_refused_is_named_at_once():
    assert refused(ChatRequest(messages=(user(),), choice_count=2, tools=(Tool("look"),))) == [
        "chat.tools",
        "chat.choice_count",
    ]


def test_what_only_makes_another_answer_likely_is_left_out_and_named():
    request = asked(temperature=0.0, seed=0, user="u", stop_sequences=("END",), extra={"top_n": 1})
    _, warnings = said(request)
    assert warnings == ["chat.temperature", "chat.stop_sequences", "chat.seed", "chat.user", "chat.extra.top_n"]


def test_blocks_that_have_no_place_are_named():
    blocks = (
        ContentBlock(text=TextBlock("a", ({"url": "x"},)), cache_control="1h"),
        ContentBlock(image=MediaBlock(url="https://p.example/a", detail="high")),
        ContentBlock(thinking=ThinkingBlock("hm")),
    )
    message, warnings = said(ChatRequest(messages=(user(*blocks),)))
    place = "chat.messages[0].content"
    assert warnings == [
        f"{place}[0].cache_control",
        f"{place}[0].text.annotations",
        f"{place}[1].image.detail",
        f"{place}[2].thinking",
    ]
    assert [part.text or part.url for part in message.parts] == ["a", "https://p.example/a"]


@pytest.mark.parametrize(
    "data",
    [b"{", b"[1e400]", b'{"id": 9007199254740993}', b"[" * 30 + b"]" * 30, b'"\xff"'],
    ids=["broken", "infinite", "beyond-doubles", "deep", "no-text"],
)
def test_json_that_would_not_arrive_as_it_is_goes_as_a_file(data):
    block = ContentBlock(file=MediaBlock(data=data, media_type="application/json"))
    message, _ = said(AgentTaskRequest((block,)))
    assert message.parts == (TaskPart(raw=data, media_type="application/json"),)


def test_a_file_with_a_name_stays_a_file():
    block = ContentBlock(file=MediaBlock(data=b"{}", media_type="application/json", filename="a.json"))
    message, _ = said(AgentTaskRequest((block,)))
    assert message.parts[0].raw == b"{}"


def test_a_task_that_waits_goes_on_and_one_that_has_ended_is_referred_to():
    waiting, _ = said(asked(extra=KNOWN))
    assert (waiting.task_id, waiting.context_id, waiting.reference_task_ids) == ("t", "c", ())
    over, _ = said(asked(extra={"a2a": {**KNOWN["a2a"], "state": "COMPLETED", "reference_task_ids": ["s"]}}))
    assert (over.task_id, over.context_id, over.reference_task_ids) == ("", "c", ("s", "t"))


def test_who_wants_json_says_so_and_gets_data_as_text():
    request = asked(response_format=JSON_OBJECT)
    message, _ = said(request)
    assert message.accepted_output_modes == ("application/json",)
    artifact = {"artifactId": "a", "parts": [{"data": {"n": 1.0}}]}
    body = json.dumps({"task": {"status": {"state": "TASK_STATE_COMPLETED"}, "artifacts": [artifact]}}).encode()
    answer: Any = A2A().decode(request, 200, {}, body)
    assert answer.output.text == '{"n":1}'


def test_an_address_that_is_not_grpc_is_refused():
    with pytest.raises(UnsupportedFieldError, match="grpc://"):
        A2A().encode(asked(), Endpoint(address="https://up"), stream=False)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [(404, "TASK_NOT_FOUND", ProviderRejectedError), (401, "", ProviderCredentialError)],
    ids=["task-not-found", "unauthenticated"],
)
def test_a_refusal_is_told_by_its_reason(status, code, kind):
    body = json.dumps({"error": {"message": "no", "type": "not_found", "status": status, "code": code}}).encode()
    if status == 401:
        body = body.replace(b"not_found", b"unauthenticated")
    error = A2A().error(status, {}, body)
    assert (type(error), error.http_status) == (kind, status)


def test_a_state_of_a_later_version_is_no_end():
    events: tuple[Any, ...] = (
        {"task": {"id": "t", "status": {"state": "TASK_STATE_PAUSED_BY_MOON"}}},
        {"somethingNew": {}},
        {"statusUpdate": {"taskId": "t", "status": {"state": "TASK_STATE_COMPLETED"}}},
    )
    decoder = A2A().decoder(AgentTaskRequest())
    items: list[Any] = decoder.feed(b"".join(json.dumps(event).encode() + b"\n" for event in events))
    assert items[-1].state is AgentTaskState.COMPLETED
    assert not any(isinstance(item, WireSeen) for item in items)


# --- bytes ---------------------------------------------------------------------------------------------------------


def fields_of(message: descriptor.Descriptor) -> dict[str, tuple[int, int, bool]]:
    return {field.name: (field.number, field.type, field.is_repeated) for field in message.fields}


@pytest.mark.parametrize("name", sorted(pb.DESCRIPTOR.message_types_by_name))
def test_our_messages_have_the_numbers_and_types_of_the_protocol_s_own(name):
    ours = fields_of(pb.DESCRIPTOR.message_types_by_name[name])
    theirs = fields_of(official.DESCRIPTOR.message_types_by_name[name])
    assert ours.items() <= theirs.items()


@pytest.mark.parametrize("name", sorted(pb.DESCRIPTOR.enum_types_by_name))
def test_our_enums_are_the_protocol_s_own(name):
    def values(file: Any) -> dict[str, int]:
        return {value.name: value.number for value in file.enum_types_by_name[name].values}

    assert values(pb.DESCRIPTOR) == values(official.DESCRIPTOR)


def test_every_method_that_is_called_is_one_of_the_protocol_s_service():
    service = official.DESCRIPTOR.services_by_name["A2AService"]
    wire = TaskWire(TaskMessage(()))
    wire.streamed_json(pb.StreamResponse(task=pb.Task(id="t")).SerializeToString())
    undo = wire.undo()
    assert undo is not None
    called = {wire.whole, wire.streamed, undo[0]}
    assert called <= {f"/{service.full_name}/{method.name}" for method in service.methods}
    assert official.CancelTaskRequest.FromString(undo[1]).id == "t"


def test_a_message_is_what_the_protocol_s_own_parser_reads():
    parts = (TaskPart(text="hi"), TaskPart(raw=b"\xff", filename="f"), TaskPart(json=b'{"a": [1, null]}'))
    message = TaskMessage(parts, "tenant", "c", "t", ("r",), ("text/plain",), {"skill": "s"})
    request = official.SendMessageRequest.FromString(TaskWire(message).request())
    sent = request.message
    assert (request.tenant, sent.context_id, sent.task_id) == ("tenant", "c", "t")
    assert (list(sent.reference_task_ids), sent.role) == (["r"], official.ROLE_USER)
    assert [part.WhichOneof("content") for part in sent.parts] == ["text", "raw", "data"]
    assert list(request.configuration.accepted_output_modes) == ["text/plain"]
    assert request.metadata["skill"] == "s"
    again = official.SendMessageRequest.FromString(TaskWire(message).request())
    assert sent.message_id != again.message.message_id


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xff",
        official.StreamResponse(
            message=official.Message(parts=[official.Part(data={"number_value": float("nan")})])
        ).SerializeToString(),
    ],
    ids=["no-message", "no-number"],
)
def test_what_is_no_answer_is_malformed(data):
    with pytest.raises(MalformedAnswerError):
        TaskWire(TaskMessage(())).streamed_json(data)


@given(st.binary(max_size=200))
def test_whatever_bytes_come_they_are_json_or_malformed(data):
    with suppress(MalformedAnswerError):
        json.loads(TaskWire(TaskMessage(())).streamed_json(data))


def test_only_what_runs_is_ended():
    for state in pb.TaskState.values():
        wire = TaskWire(TaskMessage(()))
        status = pb.TaskStatus(state=state)
        wire.streamed_json(pb.StreamResponse(task=pb.Task(id="t", status=status)).SerializeToString())
        assert (wire.undo() is not None) == (state in (0, 1, 2)), pb.TaskState.Name(state)
    assert TaskWire(TaskMessage(())).undo() is None
