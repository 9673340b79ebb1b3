"""A service over HTTP: a connection that is closed in the end, and what fails for now tried again.

What is repeated must be safe to repeat: that is for whoever asks to know.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from types import TracebackType
from typing import ClassVar, Self

import httpx

TOO_MANY = 429
SERVER_FAILS = 500
"""From this status on it is the service that fails."""
_FIRST_PAUSE_S = 0.1


class ServiceClient:
    """A connection to one service. Use as an async context manager, or call `close`.

    `unreachable`: the error of a kind of service, made of its URL and a reason. `most_wait_s`: how
    long it may let a request wait that was too much for it.
    """

    unreachable: ClassVar[type[Exception]]
    most_wait_s: ClassVar[int] = 0

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float,
        attempts: int = 1,
        headers: Mapping[str, str] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self._attempts = attempts
        self._http = httpx.AsyncClient(
            base_url=self.url,
            timeout=timeout_s,
            trust_env=False,
            headers=headers,
            transport=transport,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        *,
        json: object = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """The answer, whatever it says, unless the service itself failed in each attempt.

        Pauses between attempts double. Where it asks to wait, it is asked again after that, once.
        Raises `unreachable`.
        """
        ask = partial(self._ask_until_answered, method, path, query, json, content, headers)
        response = await ask()
        if response.status_code == TOO_MANY and self.most_wait_s and self._attempts > 1:
            told = response.headers.get("retry-after", "")
            wait_s = int(told) if told.isascii() and told.isdigit() else 1
            await asyncio.sleep(min(wait_s, self.most_wait_s))
            response = await ask()
        return response

    async def _ask_until_answered(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        json: object,
        content: bytes | None,
        headers: Mapping[str, str] | None,
    ) -> httpx.Response:
        pause_s, reason = _FIRST_PAUSE_S, ""
        for attempt in range(self._attempts):
            if attempt:
                await asyncio.sleep(pause_s)
                pause_s *= 2
            try:
                response = await self._http.request(
                    method, path, params=query, json=json, content=content, headers=headers
                )
            except httpx.InvalidURL as error:
                raise self.unreachable(self.url, str(error)) from error
            except httpx.HTTPError as error:
                reason = f"{type(error).__name__}: {error}".rstrip(": ")
                continue
            if response.status_code >= SERVER_FAILS:
                reason = f"status {response.status_code}: {response.text[:200]}".rstrip(": ")
                continue
            return response
        raise self.unreachable(self.url, reason)


def problem_in(document: object) -> tuple[str, str]:
    """A problem's code and detail, short enough to show, from what a service answered."""
    fields = document if isinstance(document, dict) else {}
    return str(fields.get("code", "Unknown"))[:80], str(fields.get("detail", ""))[:500]
