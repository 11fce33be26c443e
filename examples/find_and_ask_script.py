"""Finds a model and asks it, in a script without an event loop. For docs/models.md.

python examples/find_and_ask_script.py [REGISTRY [GATEWAY]]
"""

import sys

from airegistry.models.blocking import create_model_client, discover_model

REGISTRY, GATEWAY = "127.0.0.1:50051", "127.0.0.1:50052"


def main(registry: str = REGISTRY, gateway: str = GATEWAY) -> None:
    """Find, ask, and see what it cost."""
    best = discover_model("text-generation", registry=registry, prefer="cheapest")
    with create_model_client(best, gateway=gateway) as model:
        answer = model.query("What is a list?", max_output_tokens=24)
        print(f"{answer.by} for {answer.cost} USD: {answer}")
        for piece in model.stream("What is a tuple?", max_output_tokens=24):
            print(piece, end="", flush=True)
        print()


if __name__ == "__main__":
    main(*sys.argv[1:])
