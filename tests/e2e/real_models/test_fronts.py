"""What only one of the fronts has, against a real model."""

import openai
import pytest

from tests.e2e.real_models.asking import Ask
from tests.e2e.real_models.scene import DIALECTS


async def test_anthropics_count_of_tokens_is_what_the_answer_then_costs(real):
    asked = {"model": "anthropic.messages", "messages": [{"role": "user", "content": "What is a function?"}]}
    counted = await real.anthropic.messages.count_tokens(**asked)
    answer = await real.anthropic.messages.create(**asked, max_tokens=1)
    assert counted.input_tokens == answer.usage.input_tokens > 5


@pytest.mark.parametrize("dialect", ["openai.chat", "openai.responses"])
async def test_a_count_of_tokens_is_estimated_where_nobody_counts(real, dialect):
    asked = {"model": dialect, "messages": [{"role": "user", "content": "What is a function? " * 20}]}
    counted = await real.anthropic.messages.count_tokens(**asked)
    answer = await real.anthropic.messages.create(**asked, max_tokens=1)
    assert answer.usage.input_tokens / 4 < counted.input_tokens < answer.usage.input_tokens * 4


async def test_several_answers_come_of_one_question(real):
    asked = {"model": "openai.chat", "messages": [{"role": "user", "content": "What is a function?"}], "n": 2}
    answer = await real.openai.chat.completions.create(**asked, max_completion_tokens=6)
    assert [choice.index for choice in answer.choices] == [0, 1]
    assert all(choice.message.content for choice in answer.choices)
    assert [choice.finish_reason for choice in answer.choices] == ["length", "length"]


async def test_logprobs_are_those_of_the_text(real):
    answer = await real.openai.chat.completions.create(
        model="openai.chat",
        messages=[{"role": "user", "content": "What is a function?"}],
        max_completion_tokens=6,
        logprobs=True,
        top_logprobs=3,
    )
    choice = answer.choices[0]
    assert "".join(token.token for token in choice.logprobs.content) == choice.message.content
    assert all(len(token.top_logprobs) == 3 and token.logprob <= 0 for token in choice.logprobs.content)


async def test_every_front_lists_what_is_registered(real):
    openai = {model.id for model in (await real.openai.models.list()).data}
    anthropic = {model.id for model in (await real.anthropic.models.list()).data}
    ollama = {model.model.removesuffix(":latest") for model in (await real.ollama.list()).models}
    assert openai == anthropic == ollama == set(DIALECTS)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_ollama_generates_from_a_prompt(real, dialect):
    options = {"temperature": 0, "num_predict": 6}
    answer = await real.ollama.generate(model=dialect, prompt="What is a function?", options=options)
    chatted = await real.ollama.chat(
        model=dialect, messages=[{"role": "user", "content": "What is a function?"}], options=options
    )
    assert answer.response == chatted.message.content
    assert answer.eval_count == chatted.eval_count > 0


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_an_image_that_the_model_cannot_see_is_refused_and_harms_nobody(real, dialect):
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    messages = [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, image]}]
    for _ in range(10):
        with pytest.raises(openai.BadRequestError) as refused:
            await real.openai.chat.completions.create(model=dialect, messages=messages, max_completion_tokens=4)
        assert refused.value.code == "provider_rejected"
    got = await real.callers["grpc"].whole(Ask(dialect, max_tokens=4))
    assert got.usage[1] > 0
