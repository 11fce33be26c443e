"""Fit the model to the text: Adam, warmed up and then slowed to nothing along a cosine."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np

from tools.real_models.training.llama import Parameters, Shape, initial, logits

SEED = 7
STEPS = 400
ROWS = 8
LENGTH = 256
WARM_UP = 40
TOP_RATE = 4e-3
FIRST_DECAY, SECOND_DECAY = 0.9, 0.98
SAID_EVERY = 50

State = tuple[Parameters, Parameters, Parameters]
"""The model, and the running means of its gradients and of their squares."""


def fitted(tokens: list[int], shape: Shape, say: Callable[[str], None]) -> Parameters:
    """Return a model fitted to *tokens*; *say* hears how it goes."""
    model = initial(shape, SEED)
    zeros = jax.tree.map(jnp.zeros_like, model)
    state: State = (model, zeros, zeros)
    step = jax.jit(lambda state, number, rows: _stepped(state, number, rows, shape))
    for number, rows in enumerate(_batches(np.array(tokens)), start=1):
        state, loss = step(state, number, rows)
        if number % SAID_EVERY == 0:
            say(f"step {number} of {STEPS}: loss {loss:.2f}")
    return state[0]


def _batches(tokens: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Iterator[jax.Array]:
    chance = np.random.default_rng(SEED)
    for _ in range(STEPS):
        starts = chance.integers(0, len(tokens) - LENGTH - 1, ROWS)
        yield jnp.stack([tokens[start : start + LENGTH + 1] for start in starts])


def _loss(model: Parameters, rows: jax.Array, shape: Shape) -> jax.Array:
    expected = jax.nn.log_softmax(logits(model, rows[:, :-1], shape))
    return -jnp.mean(jnp.take_along_axis(expected, rows[:, 1:, None], axis=-1))


def _rate(number: jax.Array) -> jax.Array:
    slowed = 0.5 * (1 + jnp.cos(math.pi * number / STEPS))
    return TOP_RATE * jnp.minimum(number / WARM_UP, 1) * slowed


def _stepped(state: State, number: jax.Array, rows: jax.Array, shape: Shape) -> tuple[State, jax.Array]:
    model, means, squares = state
    loss, gradients = jax.value_and_grad(_loss)(model, rows, shape)
    means = jax.tree.map(lambda mean, g: FIRST_DECAY * mean + (1 - FIRST_DECAY) * g, means, gradients)
    squares = jax.tree.map(lambda mean, g: SECOND_DECAY * mean + (1 - SECOND_DECAY) * g * g, squares, gradients)
    rate = _rate(number) * jnp.sqrt(1 - SECOND_DECAY**number) / (1 - FIRST_DECAY**number)
    model = jax.tree.map(lambda p, mean, square: p - rate * mean / (jnp.sqrt(square) + 1e-8), model, means, squares)
    return (model, means, squares), loss
