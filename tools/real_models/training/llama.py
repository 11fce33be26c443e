"""A small Llama in JAX, with the very shapes and names that llama.cpp wants in its file."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp

Parameters = dict[str, jax.Array]

RMS_EPSILON = 1e-5
ROPE_BASE = 10_000.0


@dataclass(frozen=True)
class Shape:
    """How big the model is. The head for the output is the embedding itself."""

    vocabulary: int
    width: int = 128
    layers: int = 4
    heads: int = 4
    key_heads: int = 2
    feed_forward: int = 320

    @property
    def head_width(self) -> int:
        """Numbers that one head looks at."""
        return self.width // self.heads

    def matrices(self) -> dict[str, tuple[int, int]]:
        """Return the (out, in) shape of every matrix by its name in the file."""
        keys = self.key_heads * self.head_width
        layer = {
            "attn_q": (self.width, self.width),
            "attn_k": (keys, self.width),
            "attn_v": (keys, self.width),
            "attn_output": (self.width, self.width),
            "ffn_gate": (self.feed_forward, self.width),
            "ffn_up": (self.feed_forward, self.width),
            "ffn_down": (self.width, self.feed_forward),
        }
        shapes = {f"blk.{i}.{name}.weight": shape for i in range(self.layers) for name, shape in layer.items()}
        return {"token_embd.weight": (self.vocabulary, self.width)} | shapes

    def norms(self) -> list[str]:
        """Return the name of every vector that a norm multiplies with."""
        layers = [f"blk.{i}.{name}.weight" for i in range(self.layers) for name in ("attn_norm", "ffn_norm")]
        return [*layers, "output_norm.weight"]


def initial(shape: Shape, seed: int) -> Parameters:
    """Return a model that knows nothing yet."""
    matrices = shape.matrices()
    keys = jax.random.split(jax.random.key(seed), len(matrices))
    drawn = {
        name: jax.random.normal(key, size) * (0.02 if name == "token_embd.weight" else size[1] ** -0.5)
        for key, (name, size) in zip(keys, matrices.items(), strict=True)
    }
    return drawn | {name: jnp.ones(shape.width) for name in shape.norms()}


def logits(parameters: Parameters, tokens: jax.Array, shape: Shape) -> jax.Array:
    """Return for each token of each row what may come next."""
    embedding = parameters["token_embd.weight"]
    x = embedding[tokens]
    for i in range(shape.layers):
        x = x + _attention(parameters, f"blk.{i}", _norm(x, parameters[f"blk.{i}.attn_norm.weight"]), shape)
        x = x + _feed_forward(parameters, f"blk.{i}", _norm(x, parameters[f"blk.{i}.ffn_norm.weight"]))
    return _norm(x, parameters["output_norm.weight"]) @ embedding.T


def _norm(x: jax.Array, weight: jax.Array) -> jax.Array:
    return x * jax.lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + RMS_EPSILON) * weight


def _attention(parameters: Parameters, layer: str, x: jax.Array, shape: Shape) -> jax.Array:
    def heads(name: str, count: int) -> jax.Array:
        flat = x @ parameters[f"{layer}.{name}.weight"].T
        return flat.reshape(*x.shape[:2], count, shape.head_width)

    queries = _turned(heads("attn_q", shape.heads))
    keys = _turned(heads("attn_k", shape.key_heads))
    seen = jax.nn.dot_product_attention(queries, keys, heads("attn_v", shape.key_heads), is_causal=True)
    return seen.reshape(x.shape) @ parameters[f"{layer}.attn_output.weight"].T


def _turned(x: jax.Array) -> jax.Array:
    """Turn each pair of neighbours by its position: llama.cpp pairs them so for this architecture."""
    half = x.shape[-1] // 2
    angles = jnp.outer(jnp.arange(x.shape[1]), ROPE_BASE ** (-jnp.arange(half) / half))[None, :, None, :]
    even, odd = x[..., 0::2], x[..., 1::2]
    turned = (even * jnp.cos(angles) - odd * jnp.sin(angles), even * jnp.sin(angles) + odd * jnp.cos(angles))
    return jnp.stack(turned, axis=-1).reshape(x.shape)


def _feed_forward(parameters: Parameters, layer: str, x: jax.Array) -> jax.Array:
    gate = jax.nn.silu(x @ parameters[f"{layer}.ffn_gate.weight"].T)
    return (gate * (x @ parameters[f"{layer}.ffn_up.weight"].T)) @ parameters[f"{layer}.ffn_down.weight"].T
