"""Finds a model by what it must be like, and asks it: through the gateway, and without one. For docs/models.md.

python examples/find_and_ask.py [REGISTRY [GATEWAY]]

Registry and gateway have to run (`make run`); they are looked for where that starts them.
"""

import asyncio
import sys
from decimal import Decimal

from airegistry import create_model_client, discover_model, find_models, open_embedded
from airegistry.errors import NoCandidateError

REGISTRY, GATEWAY = "127.0.0.1:50051", "127.0.0.1:50052"


async def main(registry: str = REGISTRY, gateway: str = GATEWAY) -> None:
    """Find, ask, and see what it cost."""
    # Who has a key for it, or needs none, and how good is it?
    for found in await find_models("text-generation", registry=registry, prefer="cheapest", limit=3):
        print(found.name, round(found.score.total, 3) if found.score else "")

    # The best one under these limits. Money is a Decimal, so that it is exact.
    best = await discover_model(
        "text-generation", registry=registry, max_cost_per_token=Decimal("0.000002"), min_context=8_000
    )

    async with create_model_client(best, gateway=gateway) as model:
        answer = await model.query("What is a list?", max_output_tokens=24)
        print(f"{answer.by} for {answer.cost} USD: {answer}")

        async with model.stream("What is a tuple?", max_output_tokens=24) as pieces:
            async for piece in pieces:
                print(piece, end="", flush=True)
        print(f"\n{pieces.answer.usage.output_tokens if pieces.answer.usage else '?'} tokens")

    # The same without a gateway: the engine runs here, and calls whoever the registry knows.
    async with open_embedded(registry) as here, create_model_client(best.name, gateway=here) as model:
        print(f"from this process: {await model.query('What is a set?', max_output_tokens=24)}")

    try:
        await discover_model("text-generation", registry=registry, max_latency=0.000001)
    except NoCandidateError as error:
        print(error)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
