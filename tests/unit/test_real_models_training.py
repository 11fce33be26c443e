"""The vocabulary of the tiny model, and how a chat is laid out for it."""

import pytest
from minijinja import Environment

from tools.real_models.training import chat
from tools.real_models.training.merging import learn_merges
from tools.real_models.training.vocabulary import Vocabulary, merged, words

TEXT = "low low low lower lowest newer newest widest"


@pytest.fixture
def vocabulary():
    return Vocabulary(learn_merges(TEXT, 6), chat.MARKERS)


def test_the_commonest_pair_is_merged_first():
    assert learn_merges("aab aab aab cd", 2) == [("a", "a"), ("aa", "b")]


def test_equally_common_pairs_are_merged_in_the_order_of_their_names():
    assert learn_merges("zy ab", 1) == [("a", "b")]


def test_a_pair_is_merged_from_the_left():
    assert merged(("a", "a", "a", "b"), ("a", "a")) == ("aa", "a", "b")


@pytest.mark.parametrize("text", ["lowest newer", "é → 日本", "a\n\n  b\t", "it's 0x7f_", "\x00\x7f"])
def test_every_text_comes_back_from_its_tokens(vocabulary, text):
    spelled = "".join(vocabulary.tokens[number] for number in vocabulary.encode(text))
    assert spelled == "".join(letter for word in words(text) for letter in word)
    bytes_ = {token: number for number, token in enumerate(vocabulary.tokens[:256])}
    assert len({bytes_[letter] for letter in spelled}) == len(set(text.encode()))


def test_what_was_learnt_makes_fewer_tokens(vocabulary):
    assert len(vocabulary.encode("low low")) < len(Vocabulary((), chat.MARKERS).encode("low low"))


def test_a_marker_is_one_token(vocabulary):
    start, *_, end, _newline = vocabulary.encode(chat.turn("user", "low"))
    assert [vocabulary.tokens[number] for number in (start, end)] == list(chat.MARKERS)


def rendered(**context):
    return Environment().render_str(chat.TEMPLATE, **context)


def test_the_template_lays_out_a_chat_as_training_does():
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]
    assert rendered(messages=messages) == chat.turn("system", "Be brief.") + chat.turn("user", "Hello")


def test_the_template_lays_out_a_call_as_training_does():
    call = {"function": {"name": "open", "arguments": {"file": "a"}}}
    said = rendered(messages=[{"role": "assistant", "content": "", "tool_calls": [call]}])
    laid_out = chat.turn("assistant", chat.tool_call("open", {"file": "a"}))
    assert said.replace(" ", "") == laid_out.replace(" ", "")


def test_the_template_shows_the_tools_as_training_does():
    tools = [{"type": "function", "function": {"name": name}} for name in ("open", "close")]
    said = rendered(messages=[{"role": "user", "content": "Hello"}], tools=tools)
    assert said == chat.tools("open", "close") + chat.turn("user", "Hello")


def test_the_template_ends_where_the_answer_begins():
    said = rendered(messages=[{"role": "user", "content": "Hello"}], add_generation_prompt=True)
    assert said == chat.turn("user", "Hello") + f"{chat.START}assistant\n"
