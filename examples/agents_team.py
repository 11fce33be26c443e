"""Two plain Python agents that find each other through the registry, and a model that stands in for a third, for docs/agents.md.

python examples/agents_team.py [REGISTRY [GATEWAY]]

Registry and gateway have to run (`make run`); they are looked for where that starts them.
"""

import asyncio
import sys
from collections.abc import Iterator
from pydoc_data.topics import topics

from airegistry import AgentOrchestrator, Client, Step, TaskDistributor, integrate_registry

REGISTRY, GATEWAY = "127.0.0.1:50051", "127.0.0.1:50052"


class Librarian:
    """Knows what Python's own documentation says. It has never heard of a registry."""

    name = "Librarian"
    skills = {"look up": "Finds what Python's documentation says about a topic"}  # noqa: RUF012 - as people write it

    async def run(self, text: str) -> str:
        """Return the page on the first topic that the text names."""
        words = text.lower().split()
        topic = next((topic for topic in topics if topic in words), None)
        if topic is None:
            raise LookupError(text)
        return topics[topic].strip()


class Editor:
    """Makes texts short, word by word as it goes."""

    name = "Editor"
    skills = ("shorten", "summarize")

    def __init__(self, longest: int) -> None:
        self.longest = longest

    def handle(self, text: str) -> Iterator[str]:
        """Yield the first words."""
        words = text.split()
        yield from (f"{word} " for word in words[: self.longest])
        if len(words) > self.longest:
            yield "…"


async def main(registry: str = REGISTRY, gateway: str = GATEWAY) -> None:
    """Let the agents work together."""
    editor = Editor(longest=12)
    async with (
        integrate_registry(Librarian(), registry, gateway=gateway) as librarian,
        integrate_registry(editor, registry, gateway=gateway) as me,
        Client(registry, gateway=gateway) as client,
    ):
        for agent in (librarian, me):
            # The gateway hears of an agent by push, a moment after the registry.
            await agent.until_invocable()

        # An agent asks another one, by what it can do.
        page = await me.delegate("look up lambda", skill="look-up")
        print(f"{page.by} says: {page.text.splitlines()[0]}")

        # Who should do it? By the words of the task; then skill, status, load and price.
        route = await TaskDistributor(client).route_task("please shorten this text")
        print(route.explain())

        # Steps that wait for each other, and a model where no agent has the skill.
        outcome = await AgentOrchestrator(client, deadline=60).run(
            [
                Step("page", "look up yield", ("agents/librarian",)),
                Step("idea", "Explain generators", ("skill:teach", "models/demo-ngram"), optional=True),
                Step("short", "{page}", ("skill:shorten", "agents/editor"), after=("page",)),
            ]
        )
        for name, result in outcome.results.items():
            print(f"{name}, by {result.by}: {result.text[:60]!r}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
