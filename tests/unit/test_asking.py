import pytest

from airegistry.invocations.asking import ask
from airegistry.invocations.chat import ChatChoice, ChatResponse, Message, Role
from airegistry.invocations.content import ContentBlock, RefusalBlock, TextBlock
from airegistry.invocations.validation import validate


def test_a_question_is_one_turn_of_the_user_with_the_options_of_a_chat():
    invocation = ask("m", "Why?", max_output_tokens=5)
    assert invocation.chat is not None
    assert (invocation.model, invocation.chat.max_output_tokens) == ("m", 5)
    assert invocation.chat.messages == (Message(Role.USER, (ContentBlock(text=TextBlock("Why?")),)),)
    assert validate(invocation) == []


def test_what_the_system_says_comes_first():
    chat = ask("m", "Why?", system="Be brief.").chat
    assert chat is not None
    assert [message.role for message in chat.messages] == [Role.SYSTEM, Role.USER]


def test_an_option_that_a_chat_does_not_have_is_an_error():
    with pytest.raises(TypeError, match="max_tokens"):
        ask("m", "Why?", max_tokens=5)


def test_the_text_of_an_answer_is_that_of_the_first_choice():
    blocks = (
        ContentBlock(text=TextBlock("One")),
        ContentBlock(refusal=RefusalBlock("no")),
        ContentBlock(text=TextBlock(" two")),
    )
    other = ChatChoice(index=1, message=Message(Role.ASSISTANT, (ContentBlock(text=TextBlock("other")),)))
    assert ChatResponse((ChatChoice(message=Message(Role.ASSISTANT, blocks)), other)).text == "One two"


def test_an_answer_without_choices_has_no_text():
    assert ChatResponse().text == ""
