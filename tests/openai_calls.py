"""Calls of OpenAI's chat completions, as the front reads them."""

import orjson

from gateway.fronts.openai.requests import read_chat

USER = {"role": "user", "content": "hi"}


def chat(**fields):
    return read_chat(orjson.dumps({"model": "m", "messages": [USER], **fields}))


def turn(**fields):
    call = chat(messages=[fields])
    return call.request.messages[0], [warning.path for warning in call.warnings]
