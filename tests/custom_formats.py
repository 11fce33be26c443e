"""The format of a made-up provider, as its endpoint declares it to the dialect `custom`."""

import json
from typing import Any

from airegistry.dialects.custom.dialect import Custom
from airegistry.invocations.chat import ChatRequest, FinishReason, Message, Role
from airegistry.invocations.content import ContentBlock, TextBlock
from airegistry.resources.endpoint import Communication, CustomFormat, Endpoint

PARROT = CustomFormat(
    request_template="""{
      "voice": {{ model | tojson }},
      "hear": [{% for m in messages %}{{ {"who": m.role, "said": m.text} | tojson }}{% if not loop.last %},{% endif %}{% endfor %}],
      "live": {{ stream }},
      "settings": {{ {"heat": temperature, "words": max_output_tokens, "stop": stop_sequences or none} | present | tojson }}
    }""",
    response_paths={
        "text": "reply.words",
        "thinking": "reply.musing",
        "finish_reason": "reply.why",
        "id": "ticket",
        "model": "voice",
        "usage.all_input_tokens": "count.heard",
        "usage.cache_read_tokens": "count.remembered",
        "usage.output_tokens": "count.spoken",
        "tool_calls": "reply.acts",
        "tool_calls.id": "ref",
        "tool_calls.name": "act",
        "tool_calls.arguments": "with",
    },
    stream_paths={
        "text": "w",
        "thinking": "m",
        "finish_reason": "why",
        "id": "ticket",
        "model": "voice",
        "usage.all_input_tokens": "count.heard",
        "usage.cache_read_tokens": "count.remembered",
        "usage.output_tokens": "count.spoken",
        "tool_calls": "acts",
        "tool_calls.id": "ref",
        "tool_calls.name": "act",
        "tool_calls.arguments": "with",
    },
    stream_end="[over]",
    finish_reasons={"tired": FinishReason.LENGTH},
    error_paths={"error": "squawk", "message": "squawk.text", "code": "squawk.kind", "retry_after": "squawk.rest"},
    error_reasons={"TOO_MUCH": "CONTEXT_LENGTH_EXCEEDED", "RUDE": "CONTENT_REFUSED"},
)


def endpoint(custom=PARROT, **communication):
    return Endpoint(
        provider="parrot",
        address="https://parrot.example/api/",
        upstream_model="polly",
        communication=Communication(dialect="custom", custom=custom, path="/speak", **communication),
    )


def dialect(custom=PARROT, **communication) -> Any:
    return Custom().of(endpoint(custom, **communication))


def said(*turns):
    return tuple(Message(role, (ContentBlock(TextBlock(text)),)) for role, text in turns)


CHAT = ChatRequest(messages=said((Role.SYSTEM, "Be brief."), (Role.USER, 'Say "hi"')))


def encoded(request=CHAT, custom=PARROT, *, stream=False, **communication) -> Any:
    return dialect(custom, **communication).encode(request, endpoint(custom, **communication), stream=stream)


def body(request=CHAT, custom=PARROT, **more) -> Any:
    return json.loads(encoded(request, custom, **more).call.body)


WHOLE = json.dumps(
    {
        "ticket": "t-1",
        "voice": "polly-2",
        "reply": {
            "musing": "Hm.",
            "words": "Hi, hé! 😀",
            "why": "tired",
            "acts": [
                {"ref": "a", "act": "fly", "with": {"to": "Oslo"}},
                {"ref": "b", "act": "nap", "with": "{}"},
            ],
        },
        "count": {"heard": 10, "remembered": 4, "spoken": 5},
    },
    ensure_ascii=False,
).encode()


def assemble_whole(custom=PARROT):
    answer = dialect(custom).decode(CHAT, 200, {}, WHOLE)
    return answer.output, answer.usage
