"""What is measured orders the endpoints of a model: gateway, reports, windows, lane and index together.

Time moves on with the calls, so nothing here depends on how fast the machine is but for what is measured itself.
"""

from collections import Counter

from converging.scene import FAST, FLAKY, SLOW, open_scene

LOOK = 25
"""Calls between two looks."""


async def looks(scene, *, calls):
    """Play up to so many calls, and iterate over the looks."""
    for _ in range(0, calls, LOOK):
        yield await scene.play(LOOK)


async def until(scene, holds, *, calls):
    """Play until *holds* is true of three looks in a row; return all looks."""
    seen = []
    async for look in looks(scene, calls=calls):
        seen.append(look)
        if len(seen) > 2 and all(holds(each) for each in seen[-3:]):
            return seen
    raise AssertionError("\n".join(f"{each.calls} {each.order} {dict(each.asked)}" for each in seen))


def asked(seen):
    return sum((Counter(look.asked) for look in seen), Counter())


async def test_the_order_follows_what_calls_come_to(tmp_path):
    async with open_scene(tmp_path) as scene:
        declared = await scene.play(0)
        assert declared.order[-1] == FAST, "nobody knows yet how good it is"

        # Found by exploration alone: who asks wants the model, and the first of the ranking is asked.
        found = await until(scene, lambda look: look.order == (FAST, SLOW, FLAKY), calls=225)
        assert set(asked(found)) == {FAST, SLOW, FLAKY}
        assert found[-1].asked == {FAST: LOOK}

        best = scene.backends[FAST]
        # As fast as ever, so that the failures alone must tell.
        best.failure_rate = 0.5
        left = await until(scene, lambda look: look.order[0] != FAST, calls=200)
        # Until the news of it came round, and then no more.
        assert asked(left[-2:])[FAST] == 0

        best.failure_rate = 0.0
        back = await until(scene, lambda look: look.order[0] == FAST, calls=400)
        assert back[-1].asked[FAST] >= 15
        assert back[-1].minutes - left[-1].minutes <= 45

        for look in (declared, *found, *left, *back):
            assert look.explained == look.order, "the gateway orders as the registry does"
        assert scene.failed == [], "each call was answered by somebody"
