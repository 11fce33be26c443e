"""What the index holds of an endpoint beyond the endpoint itself."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from itertools import islice

from benchmarks.discovery.plane import open_index
from benchmarks.discovery.sizes import UPDATED
from benchmarks.rows import Row
from benchmarks.workload import distinct_queries, resources

MOST_KIBIBYTES = 1.5
_ASKED = 20


def measure() -> list[Row]:
    """Count what Python and NumPy allocate from an empty index to one that has answered, with measured values in every row."""
    print(f"memory of an index of {UPDATED:,} endpoints …", file=sys.stderr, flush=True)
    known = resources(UPDATED)
    gc.collect()
    # To look for garbage among everything, again and again while it grows, takes longer than to make it.
    gc.disable()
    tracemalloc.start()
    try:
        index = open_index(known)
        for query in islice(distinct_queries(), _ASKED):
            index.discover(query)
        gc.collect()
        kibibytes = tracemalloc.get_traced_memory()[0] / UPDATED / 1024
    finally:
        tracemalloc.stop()
        gc.enable()
    return [
        Row(
            f"index, {UPDATED:,} endpoints: memory of each beyond its own bytes",
            f"{kibibytes:.2f} KiB",
            "tracemalloc; four windows measured of each",
            f"≤ {MOST_KIBIBYTES} KiB",
            kibibytes <= MOST_KIBIBYTES,
        )
    ]
