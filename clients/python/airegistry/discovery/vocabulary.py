"""Names that are known whether or not anything registered has them."""

from __future__ import annotations

import re

from airegistry.discovery.tasks import SPELLINGS

CAPABILITIES = frozenset(
    {
        "code",
        "fill_in_middle",
        "json_mode",
        "logprobs",
        "max_completion_tokens",
        "parallel_tools",
        "prompt_caching",
        "reasoning",
        "seed",
        "streaming",
        "structured_output",
        "system_prompt",
        "tools",
        "vision",
        "web_search",
    }
)
"""The well-known names of `Model.capabilities`, and others that catalogs use."""

PIPELINE_TAGS = frozenset(
    {
        "any-to-any",
        "audio-classification",
        "audio-text-to-text",
        "audio-to-audio",
        "automatic-speech-recognition",
        "depth-estimation",
        "document-question-answering",
        "feature-extraction",
        "fill-mask",
        "graph-ml",
        "image-classification",
        "image-feature-extraction",
        "image-segmentation",
        "image-text-to-image",
        "image-text-to-text",
        "image-text-to-video",
        "image-to-3d",
        "image-to-image",
        "image-to-text",
        "image-to-video",
        "keypoint-detection",
        "mask-generation",
        "object-detection",
        "question-answering",
        "reinforcement-learning",
        "robotics",
        "sentence-similarity",
        "summarization",
        "table-question-answering",
        "tabular-classification",
        "tabular-regression",
        "text-classification",
        "text-generation",
        "text-ranking",
        "text-to-3d",
        "text-to-audio",
        "text-to-image",
        "text-to-speech",
        "text-to-video",
        "text2text-generation",
        "time-series-forecasting",
        "token-classification",
        "translation",
        "unconditional-image-generation",
        "video-classification",
        "video-text-to-text",
        "video-to-video",
        "visual-document-retrieval",
        "visual-question-answering",
        "voice-activity-detection",
        "zero-shot-classification",
        "zero-shot-image-classification",
        "zero-shot-object-detection",
    }
)
"""The pipeline tags of Hugging Face."""

TASKS = PIPELINE_TAGS | SPELLINGS.keys()
"""The names of tasks: tags and older spellings of them."""

# What the clouds make the names of their regions from.
_PLACES = (
    "af africa ap asia australia austria belgium brazil ca canada chile china cn denmark eu europe finland france germany gov il "
    "india indonesia ireland israel italy japan korea malaysia me mexico middleeast mx newzealand northamerica norway nz poland "
    "qatar sa singapore southafrica southamerica spain sweden switzerland taiwan uae uk us usgov global "
    "central east north south west"
)
_REGION_WORD = re.compile(rf"(?:{'|'.join(_PLACES.split())})+")


def is_region_word(text: str) -> bool:
    """Say whether a part of a region's name, such as `northeast` or `swedencentral`, is one that clouds use."""
    return _REGION_WORD.fullmatch(text) is not None
