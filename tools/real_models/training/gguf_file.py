"""Write a model, its vocabulary and its chat template into the one file that llama-server reads."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

from tools.real_models.training import chat, llama
from tools.real_models.training.llama import Parameters, Shape
from tools.real_models.training.vocabulary import Vocabulary

CONTEXT_TOKENS = 16_384
"""Far more than it was trained on: an answer may go on for long, whatever it says by then."""


def write(path: Path, parameters: Parameters, shape: Shape, vocabulary: Vocabulary) -> None:
    """Write everything, or nothing that would be taken for it."""
    writer = gguf.GGUFWriter(path, "llama")
    _describe(writer, shape)
    _spell(writer, vocabulary)
    for name, values in parameters.items():
        writer.add_tensor(name, np.asarray(values, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _describe(writer: gguf.GGUFWriter, shape: Shape) -> None:
    writer.add_name("Tiny Llama that read the documentation of Python")
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_context_length(CONTEXT_TOKENS)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.key_heads)
    writer.add_layer_norm_rms_eps(llama.RMS_EPSILON)
    writer.add_rope_dimension_count(shape.head_width)
    writer.add_rope_freq_base(llama.ROPE_BASE)
    writer.add_vocab_size(shape.vocabulary)


def _spell(writer: gguf.GGUFWriter, vocabulary: Vocabulary) -> None:
    usual = len(vocabulary.tokens) - len(vocabulary.markers)
    control = [gguf.TokenType.CONTROL] * len(vocabulary.markers)
    end = vocabulary.numbers[chat.END]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(vocabulary.tokens)
    writer.add_token_types([gguf.TokenType.NORMAL] * usual + control)
    writer.add_token_merges([" ".join(pair) for pair in vocabulary.merges])
    writer.add_bos_token_id(vocabulary.numbers[chat.START])
    writer.add_eos_token_id(end)
    writer.add_eot_token_id(end)
    writer.add_add_bos_token(False)
    writer.add_chat_template(chat.TEMPLATE)
