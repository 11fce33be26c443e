"""curl_cffi: libcurl in the event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from curl_cffi import CurlHttpVersion, CurlOpt
from curl_cffi.requests import AsyncSession

from benchmarks.http_clients.clients.port import HEADERS, Answer, Options


class CurlCffi:
    """A session that imitates no browser."""

    def __init__(self, session: Any) -> None:
        self._session = session

    async def whole(self, url: str, body: bytes) -> Answer:
        response = await self._session.post(url, data=body, headers=HEADERS)
        return Answer(response.status_code, response.content)

    async def pieces(self, url: str, body: bytes) -> AsyncIterator[bytes]:
        async with self._session.stream("POST", url, data=body, headers=HEADERS) as response:
            async for piece in response.aiter_content():
                yield piece

    async def close(self) -> None:
        await self._session.close()


async def opened(options: Options) -> CurlCffi:
    chosen: dict[Any, Any] = {CurlOpt.NOPROXY: options.no_proxy} if options.no_proxy else {}
    pair = (str(options.certificate), str(options.key)) if options.certificate is not None else None
    session: Any = AsyncSession(
        max_clients=options.connections,
        trust_env=False,
        allow_redirects=False,
        timeout=(options.connect_timeout, 3600),
        proxy=options.proxy or None,
        verify=str(options.ca_file) if options.ca_file is not None else True,
        cert=pair,
        curl_options=chosen,
        http_version=CurlHttpVersion.V2TLS if options.http2 else CurlHttpVersion.V1_1,
    )
    return CurlCffi(session)
