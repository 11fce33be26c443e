"""The ways through a gateway: who is asked, in which dialect, and how."""

from __future__ import annotations

import pytest

from tests.faults.calling import Carrier
from tests.faults.frontless import FRONTLESS
from tests.faults.over_grpc import GRPC
from tests.faults.over_http import HTTP
from tests.faults.wires import OPENAI_CHAT, WIRES, Wire

CARRIERS = (*GRPC, *HTTP)
SPOKEN = (*WIRES.values(), *FRONTLESS)


def _another_way(wire: Wire, carrier: Carrier) -> bool:
    """Say whether a dialect makes another way of a carrier, or the same as OpenAI's makes of it.

    A front relays its own dialect and translates every other one; who starts again does so in whichever dialect. What has no
    front is translated by every front alike.
    """
    if wire in FRONTLESS:
        return frontless(carrier) and not carrier.restarts
    return wire is OPENAI_CHAT or (carrier.dialect in ("", wire.dialect) and not carrier.restarts)


def frontless(carrier: Carrier) -> bool:
    """Say whether a carrier is one of those by which dialects without a front are called: gRPC, and OpenAI's front."""
    return carrier.dialect in ("", OPENAI_CHAT.dialect)


WAYS = [(wire, carrier) for wire in SPOKEN for carrier in CARRIERS if _another_way(wire, carrier)]
each_carrier = pytest.mark.parametrize("carrier", CARRIERS, ids=lambda carrier: carrier.id)
