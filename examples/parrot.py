"""A made-up model provider with a format of its own, for docs/custom-provider.md: it repeats what it hears.

python examples/parrot.py [PORT]
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "polly-wants-a-cracker"
MOST_HEARD = 40


class Parrot(BaseHTTPRequestHandler):
    """One request after another, each answered from itself."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer whatever is asked."""
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path != "/v2/speak":
            self.refuse(404, "LOST", "there is no perch here")
        elif self.headers["x-parrot-key"] != KEY:
            self.refuse(401, "WHO_ARE_YOU", "the parrot does not know you")
        elif sum(len(line["said"].split()) for line in asked["lines"]) > MOST_HEARD:
            self.refuse(422, "TOO_MANY_WORDS", f"the parrot remembers {MOST_HEARD} words")
        elif asked["live"]:
            self.stream(asked)
        else:
            words, end = self.answer(asked)
            self.reply(200, {"ticket": "p-1", "voice": asked["voice"], "reply": {"words": " ".join(words)}, **end})

    def answer(self, asked: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
        """Return the words to say, and what is told at the end."""
        heard = asked["lines"][-1]["said"].split()
        said = ["Squawk!", *heard]
        longest = asked.get("settings", {}).get("longest", len(said))
        ended = "content" if longest >= len(said) else "out_of_breath"
        counts = {"heard": sum(len(line["said"].split()) for line in asked["lines"]), "spoken": min(longest, len(said))}
        return said[:longest], {"ended": ended, "counts": counts}

    def stream(self, asked: dict[str, Any]) -> None:
        """Say one word after the other."""
        words, end = self.answer(asked)
        self.send_response(200)
        self.send_header("content-type", "application/x-ndjson")
        self.send_header("connection", "close")
        self.end_headers()
        for place, word in enumerate(words):
            self.line({"ticket": "p-1", "voice": asked["voice"], "piece": word if place == 0 else f" {word}"})
        self.line(end)

    def line(self, value: dict[str, Any]) -> None:
        """Write one line of a stream, at once."""
        self.wfile.write(json.dumps(value).encode() + b"\n")
        self.wfile.flush()

    def refuse(self, status: int, kind: str, text: str) -> None:
        """Say why not."""
        self.reply(status, {"squawk": {"kind": kind, "text": text}})

    def reply(self, status: int, value: dict[str, Any]) -> None:
        """Write a whole answer."""
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Say nothing: whoever asks sees the answer."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 4000), Parrot)
    print(f"the parrot listens on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
