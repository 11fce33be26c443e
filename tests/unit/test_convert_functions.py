"""What is made for a dataclass, once, to write it and to read it."""

import dataclasses
from dataclasses import dataclass

import pytest

from airegistry._convert import from_pb, part_to_pb, to_pb
from airegistry._convert.blanks import blank
from airegistry._convert.writing import source
from airegistry.errors import ErrorStatus, InvalidArgumentError
from airegistry.invocations.content import ContentBlock, TextBlock, ToolResult
from airegistry.invocations.invocation import Invocation
from airegistry.resources.model import Capability, Model
from airegistry.v1 import content_pb2, gateway_service_pb2, model_pb2

BLOCK = ContentBlock(tool_result=ToolResult("call", (ContentBlock(text=TextBlock("deep")),)))


@dataclass(frozen=True, slots=True)
class Narrow:
    """A content block without most of its fields."""

    text: TextBlock | None = None


@dataclass(frozen=True, slots=True)
class AroundNarrow:
    """Mirrors a ToolResult, but for what its content is."""

    tool_call_id: str = ""
    content: tuple[Narrow, ...] = ()
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """Mirrors a RefusalBlock, without a default."""

    text: str


def source_of(message, *names):
    return source([field for field in message.DESCRIPTOR.fields if field.name in names])


def test_a_field_is_written_unless_it_is_what_the_wire_has_by_default():
    assert source_of(content_pb2.ToolResult, "tool_call_id", "content") == (
        "def write(value, message):\n"
        "    if item := value.tool_call_id:\n"
        "        message.tool_call_id = item\n"
        "    if item := value.content:\n"
        "        add = message.content.add\n"
        "        for each in item:\n"
        "            write_content(each, add())\n"
    )


def test_a_field_with_presence_is_written_even_when_zero_and_a_part_even_when_empty():
    assert source_of(gateway_service_pb2.StreamEnd, "settlement") == (
        "def write(value, message):\n"
        "    if (item := value.settlement) is not None:\n"
        "        part = message.settlement\n"
        "        part.SetInParent()\n"
        "        write_settlement(item, part)\n"
    )
    assert source_of(model_pb2.Capability, "supported") == (
        "def write(value, message):\n    if (item := value.supported) is not None:\n        message.supported = item\n"
    )


def test_maps_and_lists_are_written_in_place():
    assert source_of(model_pb2.Model, "input_modalities", "capabilities") == (
        "def write(value, message):\n"
        "    if item := value.input_modalities:\n"
        "        message.input_modalities.extend(item)\n"
        "    if item := value.capabilities:\n"
        "        parts = message.capabilities\n"
        "        for key, each in item.items():\n"
        "            write_capabilities(each, parts[key])\n"
    )
    assert source_of(gateway_service_pb2.Invocation, "labels") == (
        "def write(value, message):\n"
        "    if item := value.labels:\n"
        "        parts = message.labels\n"
        "        for key, each in item.items():\n"
        "            parts[key] = each\n"
    )


def test_a_part_has_the_named_fields_only_and_they_are_whole():
    """Also where what is inside a field is a message of the same kind."""
    write = part_to_pb(ContentBlock, content_pb2.ContentBlock, ["tool_result", "cache_control"])
    assert write(dataclasses.replace(BLOCK, text=TextBlock("left out"))) == to_pb(BLOCK, content_pb2.ContentBlock)
    assert part_to_pb(ContentBlock, content_pb2.ContentBlock, [])(BLOCK) == content_pb2.ContentBlock()


@pytest.mark.parametrize("attempt", ["first", "second"])
@pytest.mark.parametrize(
    "convert",
    [
        lambda: to_pb(AroundNarrow(), content_pb2.ToolResult),
        lambda: from_pb(AroundNarrow, content_pb2.ToolResult()),
    ],
    ids=["written", "read"],
)
def test_what_does_not_mirror_inside_is_refused_every_time(convert, attempt):
    """Nothing half made is kept."""
    with pytest.raises(TypeError, match="Narrow does not mirror"):
        convert()


def test_what_is_read_is_as_frozen_as_what_is_built():
    read = from_pb(ContentBlock, to_pb(BLOCK, content_pb2.ContentBlock))
    assert (read, hash(read), repr(read)) == (BLOCK, hash(BLOCK), repr(BLOCK))
    with pytest.raises(dataclasses.FrozenInstanceError):
        read.__setattr__("cache_control", "1h")


def test_a_default_that_is_made_anew_is_not_shared():
    first, second = (from_pb(Invocation, gateway_service_pb2.Invocation()) for _ in range(2))
    assert first.labels == {}
    assert first.labels is not second.labels


def test_a_dataclass_without_a_default_cannot_be_read():
    with pytest.raises(TypeError, match=r"Refusal\.text has no default"):
        from_pb(Refusal, content_pb2.RefusalBlock(text="no"))
    with pytest.raises(TypeError, match=r"ErrorStatus\.code has no default"):
        blank(ErrorStatus)


def test_the_path_of_what_cannot_be_read_goes_through_lists_and_maps():
    with pytest.raises(InvalidArgumentError) as caught:
        from_pb(Model, model_pb2.Model(input_modalities=[1, 2, 98]), path="resources[1].model", strict=True)  # type: ignore[list-item]  # a number that no enum knows
    assert caught.value.violations[0].field == "resources[1].model.input_modalities[2]"
    read = from_pb(
        Model, to_pb(Model(capabilities={"tools": Capability(level=0), "none": Capability()}), model_pb2.Model)
    )
    assert read.capabilities == {"tools": Capability(level=0), "none": Capability()}
