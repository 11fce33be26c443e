import pytest

from airegistry._rpc.targets import target_of
from airegistry.errors import InvalidArgumentError


@pytest.mark.parametrize(
    "address",
    [
        "registry:50051",
        "127.0.0.1:50051",
        "[::1]:50051",
        "dns:///registry:50051",
        "unix:/run/r",
        "ipv4:10.0.0.1:1,10.0.0.2:1",
    ],
)
def test_one_address_and_a_target_stay_what_they_are(address):
    assert target_of(address) == address


@pytest.mark.parametrize(
    ("address", "target"),
    [
        pytest.param("10.0.0.1:1,10.0.0.2:2", "ipv4:10.0.0.1:1,10.0.0.2:2", id="v4"),
        pytest.param("[::1]:1, [fe80::2]:2", "ipv6:[::1]:1,[fe80::2]:2", id="v6-with-a-space"),
        pytest.param("10.0.0.1:1,[::1]:2", "ipv6:[::ffff:10.0.0.1]:1,[::1]:2", id="both"),
        pytest.param("localhost:1,localhost:2", "ipv4:127.0.0.1:1,127.0.0.1:2", id="localhost"),
    ],
)
def test_several_addresses_become_one_target(address, target):
    assert target_of(address) == target


@pytest.mark.parametrize("wrong", ["registry-2:50051", "", "10.0.0.2", "10.0.0.2:x", "10.0.0.2:70000", "10.0.0.2:"])
def test_what_cannot_be_one_of_several_is_named(wrong):
    with pytest.raises(InvalidArgumentError, match="cannot be one of several") as caught:
        target_of(f"10.0.0.1:1,{wrong}")
    assert repr(wrong) in str(caught.value)
