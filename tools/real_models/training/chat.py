"""How a chat is laid out for the model: in training by this module, in llama-server by the template in the model's file."""

from __future__ import annotations

import json
from collections.abc import Mapping

START, END = "<|im_start|>", "<|im_end|>"
MARKERS = (START, END)

# llama-server reads out of it how calls look, and that there is one at a time; its grammars then allow nothing else.
TEMPLATE = """\
{%- if tools %}
{{- '<|im_start|>system\\nTools:' }}
{%- for tool in tools %}{{- ' ' + tool.function.name }}{%- endfor %}
{{- '<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
{%- if message.role == 'tool' %}
{{- '<|im_start|>user\\n<tool_response>\\n' + message.content + '\\n</tool_response><|im_end|>\\n' }}
{%- else %}
{{- '<|im_start|>' + message.role + '\\n' }}
{%- if message.content %}{{- message.content }}{%- endif %}
{%- if message.tool_calls %}
{%- set call = message.tool_calls[0].function %}
{{- '<tool_call><function=' + call.name + '>' + (call.arguments | tojson) + '</function></tool_call>' }}
{%- endif %}
{{- '<|im_end|>\\n' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}
"""


def turn(role: str, text: str) -> str:
    """Return one turn of a chat as the template lays it out."""
    return f"{START}{role}\n{text}{END}\n"


def tools(*names: str) -> str:
    """Return the turn that shows which tools there are: their names only, or they would be all that a small model sees."""
    return turn("system", "Tools: " + " ".join(names))


def tool_call(name: str, arguments: Mapping[str, object]) -> str:
    """Return a call as the template wants it of the model."""
    return f"<tool_call><function={name}>{json.dumps(arguments)}</function></tool_call>"
