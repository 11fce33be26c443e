"""Train the tiny model and write it into a file. Runs in the environment that `tools.real_models` makes for it."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from tools.real_models.training import chat, corpus, fitting, gguf_file
from tools.real_models.training.llama import Shape
from tools.real_models.training.merging import learn_merges
from tools.real_models.training.vocabulary import Vocabulary

MERGES = 766
"""With a token for each byte and the two markers: 1024."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path, help="the file to write")
    path: Path = parser.parse_args().path
    text = "".join(corpus.conversations(fitting.SEED))
    unmarked = re.sub("|".join(map(re.escape, chat.MARKERS)), "\n", text)
    vocabulary = Vocabulary(learn_merges(unmarked, MERGES), chat.MARKERS)
    tokens = vocabulary.encode(text)
    print(f"{len(text):,} characters are {len(tokens):,} tokens", flush=True)
    shape = Shape(vocabulary=len(vocabulary.tokens))
    gguf_file.write(path, fitting.fitted(tokens, shape, lambda words: print(words, flush=True)), shape, vocabulary)


if __name__ == "__main__":
    main()
