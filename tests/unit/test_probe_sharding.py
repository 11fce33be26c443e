"""Which replica probes which address."""

from collections import Counter

from registry.probes.sharding import Share, owner

REPLICAS = ("one", "two", "three")
ADDRESSES = [f"host-{i}:443" for i in range(3000)]


def test_every_replica_names_the_same_owner():
    assert all(owner(a, REPLICAS) == owner(a, REPLICAS[::-1]) for a in ADDRESSES)


def test_addresses_spread_evenly():
    counts = Counter(owner(address, REPLICAS) for address in ADDRESSES)
    assert all(900 < counts[replica] < 1100 for replica in REPLICAS)


def test_when_a_replica_goes_only_its_addresses_move_and_to_all_others():
    moved = [a for a in ADDRESSES if owner(a, REPLICAS) != owner(a, REPLICAS[:2])]
    assert {owner(a, REPLICAS) for a in moved} == {"three"}
    assert {owner(a, REPLICAS[:2]) for a in moved} == {"one", "two"}


def test_each_address_is_owned_by_exactly_one_share():
    shares = [Share(replica, lambda: REPLICAS) for replica in REPLICAS]
    assert all(sum(share.owns(address) for share in shares) == 1 for address in ADDRESSES)


def test_a_share_alone_owns_everything():
    assert all(Share().owns(address) for address in ADDRESSES)


def test_a_share_is_its_own_replica_even_when_nobody_lists_it_yet():
    assert any(Share("one", lambda: ["two"]).owns(address) for address in ADDRESSES)


def test_a_share_changes_when_the_replicas_do():
    live = ["one", "two"]
    share = Share("one", lambda: live)
    assert not share.refresh()
    live.reverse()
    assert not share.refresh()
    live.remove("two")
    assert not all(share.owns(address) for address in ADDRESSES)
    assert share.refresh()
    assert all(share.owns(address) for address in ADDRESSES)
