"""How to call the providers that catalogs name: base address, dialect, and the usual name of the credential.

Each address is the one that the provider's own API reference gives. A provider that is missing here, or that needs an
account in its address, gets no address: its endpoints are listed and never invoked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from airegistry.importers import anthropic_models
from airegistry.resources.endpoint import Auth, AuthMethod, Communication
from airegistry.resources.model import Capability

_BEARER = Auth(AuthMethod.BEARER)


@dataclass(frozen=True, slots=True)
class Access:
    """How to call a provider. `suffix` is appended to the upstream model id; *capabilities* steer the dialect.

    `of_model` and `continues` tell what differs from model to model, by the upstream id.
    """

    address: str
    credential: str
    chat: str = "openai.chat"
    embeddings: str = "openai.embeddings"
    images: str = ""
    responses: str = ""
    auth: Auth = _BEARER
    headers: tuple[tuple[str, str], ...] = ()
    suffix: str = ""
    capabilities: tuple[str, ...] = ()
    of_model: Callable[[str], Mapping[str, bool]] | None = None
    continues: Callable[[str], bool] | None = None

    def communication(self, dialect: str, model_id: str) -> Communication:
        """Return the communication schema of a model, for one of the provider's dialects."""
        continues = bool(self.continues is not None and self.continues(model_id))
        return Communication(
            dialect=dialect, auth=self.auth, headers=dict(self.headers), continues_prefix=continues or None
        )

    def capabilities_of(self, model_id: str) -> Mapping[str, Capability]:
        """Return what an endpoint of a model declares."""
        declared = dict.fromkeys(self.capabilities, True)
        if self.of_model is not None:
            declared.update(self.of_model(model_id))
        return {name: Capability(supported=supported) for name, supported in declared.items()}


def _hugging_face(provider: str) -> Access:
    # The router picks the provider by a suffix of the model id.
    return Access("https://router.huggingface.co/v1", "HUGGINGFACE_API_TOKEN", suffix=f":{provider}")


PROVIDERS: Mapping[str, Access] = {
    "anthropic": Access(
        "https://api.anthropic.com",
        "ANTHROPIC_API_KEY",
        chat="anthropic.messages",
        embeddings="",
        auth=Auth(AuthMethod.HEADER, "x-api-key"),
        headers=(("anthropic-version", "2023-06-01"),),
        of_model=anthropic_models.capabilities_of,
        continues=anthropic_models.continues_prefix,
    ),
    "arcee": Access("https://api.arcee.ai/api/v1", "ARCEE_API_KEY"),
    "avian": Access("https://api.avian.io/v1", "AVIAN_API_KEY"),
    "baseten": Access("https://inference.baseten.co/v1", "BASETEN_API_KEY"),
    "cerebras": Access("https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
    "cohere": Access("https://api.cohere.ai/compatibility/v1", "COHERE_API_KEY"),
    "deepseek": Access("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    "fireworks": Access("https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
    "google": Access(
        "https://generativelanguage.googleapis.com/v1beta",
        "GEMINI_API_KEY",
        chat="gemini.generate_content",
        embeddings="",
        auth=Auth(AuthMethod.HEADER, "x-goog-api-key"),
    ),
    "groq": Access("https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    "minimax": Access("https://api.minimax.io/v1", "MINIMAX_API_KEY"),
    "mistral": Access("https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    "moonshotai": Access("https://api.moonshot.ai/v1", "MOONSHOT_API_KEY"),
    "novita": Access("https://api.novita.ai/openai/v1", "NOVITA_API_KEY"),
    # Its reasoning models refuse the older `max_tokens`.
    "openai": Access(
        "https://api.openai.com/v1",
        "OPENAI_API_KEY",
        images="openai.images",
        responses="openai.responses",
        capabilities=("max_completion_tokens",),
    ),
    "openrouter": Access("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    "ovhcloud": Access("https://oai.endpoints.kepler.ai.cloud.ovh.net/v1", "OVHCLOUD_API_KEY"),
    "perplexity": Access("https://api.perplexity.ai", "PERPLEXITY_API_KEY"),
    "together": Access("https://api.together.xyz/v1", "TOGETHER_API_KEY"),
    "x-ai": Access("https://api.x.ai/v1", "XAI_API_KEY"),
    "zai": Access("https://api.z.ai/api/paas/v4", "ZAI_API_KEY"),
    "zhipuai": Access("https://open.bigmodel.cn/api/paas/v4", "ZHIPUAI_API_KEY"),
} | {
    f"huggingface_{name}": _hugging_face(name)
    for name in (
        "cerebras",
        "fireworks-ai",
        "groq",
        "hyperbolic",
        "nebius",
        "novita",
        "nscale",
        "ovhcloud",
        "publicai",
        "sambanova",
        "together",
    )
}
