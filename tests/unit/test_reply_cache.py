from airegistry._rpc.pieces import Pieces
from registry.rpc.reply_cache import ReplyCache

ANSWER = Pieces(b"answer", "", ())


def answer(size):
    return Pieces(b"x" * (size - 10), "", (b"x" * 4, b"x" * 6))


def test_a_reply_holds_for_its_moment_only():
    cache = ReplyCache()
    cache.put(b"question", ANSWER, 1)
    assert cache.get(b"question", 1) is ANSWER
    assert cache.get(b"question", 2) is None
    assert cache.get(b"other", 1) is None


def test_another_moment_drops_what_was_kept():
    cache = ReplyCache()
    cache.put(b"question", ANSWER, 1)
    cache.put(b"other", ANSWER, 2)
    assert cache.get(b"question", 2) is None


def test_the_oldest_goes_when_there_are_too_many():
    cache = ReplyCache(max_entries=2)
    for question in (b"1", b"2", b"3"):
        cache.put(question, ANSWER, 1)
    assert [cache.get(question, 1) for question in (b"1", b"2", b"3")] == [None, ANSWER, ANSWER]


def test_the_oldest_goes_when_they_are_too_large():
    cache = ReplyCache(max_bytes=100)
    cache.put(b"1", answer(60), 1)
    cache.put(b"2", answer(60), 1)
    cache.put(b"3", answer(200), 1)
    assert [cache.get(question, 1) for question in (b"1", b"2", b"3")] == [None, None, None]


def test_a_repeated_reply_counts_once():
    cache = ReplyCache(max_bytes=100)
    for _ in range(10):
        cache.put(b"1", answer(60), 1)
    assert cache.get(b"1", 1) is not None
