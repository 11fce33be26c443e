"""The clients by name, each imported only where it is used."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version

from benchmarks.http_clients.clients.port import Client, Options

NAMES = {
    "ours": ("airegistry", "ours"),
    "pyreqwest": ("pyreqwest", "with_pyreqwest"),
    "pyreqwest, bounded": ("pyreqwest", "with_pyreqwest_bounded"),
    "pyqwest": ("pyqwest", "with_pyqwest"),
    "aiohttp": ("aiohttp", "with_aiohttp"),
    "httpx2": ("httpx2", "with_httpx2"),
    "curl_cffi": ("curl_cffi", "with_curl_cffi"),
}
"""How each is called, its distribution, and its module here."""


async def open_client(name: str, options: Options) -> Client:
    """Open a client. Raises UnsupportedError where it cannot be told what the options say."""
    module = import_module(f"{__name__}.{NAMES[name][1]}")
    client: Client = await module.opened(options)
    return client


def title(name: str) -> str:
    """Return a client's name with its version."""
    distribution = NAMES[name][0]
    return name if name == "ours" else name.replace(distribution, f"{distribution} {version(distribution)}", 1)
