import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.rpc.tokens import seal, unseal


@given(st.lists(st.text() | st.integers(), max_size=5))
def test_facts_come_back(facts):
    assert unseal("page", seal("page", *facts)) == tuple(facts)


def test_a_token_of_another_purpose_is_none():
    with pytest.raises(ValueError, match="not a token"):
        unseal("watch", seal("page", "store", 7))


@given(st.data())
def test_one_changed_character_is_noticed(data):
    token = seal("page", "store", "models", 7, "models/m")
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"))
    damaged = token[:place] + other + token[place + 1 :]
    try:
        facts = unseal("page", damaged)
    except ValueError:
        return
    # The last character has bits that stand for nothing.
    assert facts == ("store", "models", 7, "models/m")


@given(st.text(max_size=60))
def test_any_other_text_is_no_token(text):
    with pytest.raises(ValueError, match="not a token"):
        unseal("page", text)
