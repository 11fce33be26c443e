"""Templates of registrants: what is let in writes JSON, what could run away is refused or runs out."""

import json
import time

import pytest

from airegistry.resources.custom.fields import blank
from airegistry.resources.custom.template import MAX_TEMPLATE_BYTES, TemplateError, compile_template

MESSAGE = {"role": "user", "text": 'say "hi"\n', "content": [{"type": "text", "text": 'say "hi"\n'}]}
CHAT = {**blank("chat"), "model": "m", "messages": [MESSAGE], "prompt": MESSAGE["text"], "temperature": 0.5}


def render(source, **changed):
    return compile_template(source).render({**CHAT, **changed})


def test_tojson_quotes_whatever_a_value_holds():
    assert json.loads(render('{"p": {{ prompt | tojson }}}')) == {"p": 'say "hi"\n'}


def test_what_is_none_goes_out_as_null_and_not_at_all_after_present():
    assert render("{{ top_p }}") == "null"
    written = render('{{ {"t": temperature, "p": top_p, "s": stream} | present | tojson }}')
    assert json.loads(written) == {"t": 0.5, "s": False}


def test_a_prompt_is_put_together_from_a_conversation():
    source = "{% set p %}{% for m in messages if m.role != 'tool' %}{{ m.role | upper ~ ':' }} {{ m.text }}{% endfor %}{% endset %}"
    assert render(source + "{{ p | trim | tojson }}") == '"USER: say \\"hi\\""'


@pytest.mark.parametrize(
    "source",
    [
        "{% if not (messages) and (model is string) %}{% elif messages is not none %}{{ -1 }}{% else %}x{% endif %}",
        "{# a comment with {{ nothing | map }} in it #}{{ (messages | first).role }}",
        '{{ {"a": {"b": [model, 1.5]} } | tojson }}',
        "{%- for m in messages -%}{{ loop.index }}{%- endfor -%}",
        "{{ temperature - 1 }} {{ 7 // 2 }} {{ messages[0].text[1:2] }} {{ 'x' if stream else 'y' }}",
        '{{ prompt | default("none") }} 100% } {',
    ],
)
def test_usual_templates_are_let_in(source):
    render(source)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ('{{ "a" * 1000000000 }}', "'*' is not let in"),
        ("{{ messages + messages }}", "'+' is not let in"),
        ("{% set x = [messages, messages] %}", "a name for a value"),
        ("{% for a in [messages, messages] %}{% endfor %}", "a loop goes over what the request has"),
        ("{% for a in messages recursive %}{% endfor %}", "not recursive"),
        ("{{ range(1000000) }}", "calls are not let in"),
        ("{{ messages.pop() }}", "calls are not let in"),
        ("{{ (messages | first)(1) }}", "calls are not let in"),
        ("{{ messages | map('replace', 'a', 'bb') }}", "of filters, only"),
        ("{% macro m() %}{% endmacro %}", "as statements"),
        ("{% include 'x' %}", "as statements"),
        ("{% raw %}{# {% endraw %}{{ 'a' * 9 }}{# #}", "as statements"),
        ("{{ {'a': {'b': 1}} }}", "put a space"),
        ("{# no end", "a comment has no end"),
        ("{{ prompt", "the end of the template"),
        ("{{ 'prompt }}", "is not let in here"),
        ("{% for %}{% endfor %}", "unexpected"),
        ("line\n{{ promt }}", "mentions promt"),
        ("x" * (MAX_TEMPLATE_BYTES + 1), "at most 16384 bytes"),
    ],
)
def test_what_could_run_away_or_makes_no_sense_is_refused(source, reason):
    with pytest.raises(TemplateError, match=reason.replace("*", r"\*").replace("+", r"\+")):
        compile_template(source)


def test_a_problem_is_told_with_its_line_and_without_the_template():
    with pytest.raises(TemplateError, match=r"^line 3: ") as raised:
        compile_template("sk-secret\n\n{{ 'sk-secret' * 3 }}")
    assert "sk-secret" not in str(raised.value)


NESTED = "{% for a in messages %}" * 6 + "{body}" + "{% endfor %}" * 6


@pytest.mark.parametrize(
    "body",
    ["x", "{{ messages | tojson }}", "{% if 'xyz' in a.text %}{% endif %}", "{% if a.text | upper %}{% endif %}"],
)
def test_steps_and_bytes_run_out_before_anybody_waits(body):
    started = time.monotonic()
    with pytest.raises(TemplateError, match="too many steps"):
        render(NESTED.replace("{body}", body), messages=[{**MESSAGE, "text": "x" * 100_000}] * 20)
    assert time.monotonic() - started < 5


def test_a_value_that_occurs_often_is_not_written_out_beyond_the_bound():
    source = "{{ [" + "messages," * 1_000 + "] | tojson }}"
    with pytest.raises(TemplateError, match="more than 67108864 characters"):
        render(source, messages=[{**MESSAGE, "text": "x" * 1_000_000}])


def test_a_large_request_has_steps_enough():
    messages = [{**MESSAGE, "text": "x" * 10_000}] * 500
    source = '{"m": [{% for m in messages %}{{ {"r": m.role, "c": m.text} | tojson }}{% if not loop.last %},{% endif %}{% endfor %}]}'
    assert len(json.loads(render(source, messages=messages))["m"]) == 500


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{{ messages[0].txt }}", "does not have"),
        ("{{ messages }}", "through the filter tojson"),
        ("{{ messages | present }}", "present takes an object"),
        ("{{ messages | join }}", "join takes a list of texts"),
    ],
)
def test_a_template_that_does_not_fit_a_request_says_why(source, reason):
    with pytest.raises(TemplateError, match=reason):
        render(source)


def test_a_template_says_what_it_mentions():
    template = compile_template(
        "{% for m in turns %}{{ m.text }}{{ loop.index }}{% endfor %}{% if stream %}{{ seed }}{% endif %}"
    )
    assert template.variables == {"turns", "stream", "seed"}
