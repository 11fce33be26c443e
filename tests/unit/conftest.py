"""A clock that a test drives."""

import pytest

from tests.clocks import Clock


@pytest.fixture
def clock():
    return Clock()
