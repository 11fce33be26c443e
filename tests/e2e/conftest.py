import pytest

from tests.e2e.plane import plane_at


@pytest.fixture(scope="session")
def plane(tmp_path_factory):
    with plane_at(tmp_path_factory.mktemp("plane")) as running:
        yield running
