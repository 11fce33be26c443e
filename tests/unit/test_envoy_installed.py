import pytest

from airegistry._rpc.envoy.installed import tunables


@pytest.mark.parametrize(
    ("said", "told"),
    [
        pytest.param("", "glibc.pthread.rseq=0", id="nothing"),
        pytest.param("glibc.malloc.check=1", "glibc.malloc.check=1:glibc.pthread.rseq=0", id="something-else"),
        pytest.param("glibc.pthread.rseq=1", "glibc.pthread.rseq=1", id="they-want-them"),
    ],
)
def test_what_the_c_library_was_told_stays(said, told):
    assert tunables(said) == told
