"""JSON-RPC to one L1 node: every answer is checked, and every failure is one typed error.

A timeout, a refused connection, HTML instead of JSON, a missing or badly typed result: each raises
RpcError, which names the URL, the method and what was wrong. Ref: Ethereum JSON-RPC specification.
"""

from __future__ import annotations

from collections.abc import Mapping

import requests
from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from web3 import HTTPProvider
from web3.types import RPCEndpoint

from contracts.errors import Reverted, RpcError, RpcRefused, reverted
from contracts.redaction import Redaction, shown_url

ERROR_SELECTOR = bytes.fromhex("08c379a0")  # Error(string)
DEFAULT_TIMEOUT_S = 15.0

Json = Mapping[str, object]


class Rpc:
    """A synchronous connection. Safe to share between threads."""

    def __init__(self, url: str, timeout_s: float = DEFAULT_TIMEOUT_S) -> None:
        self.url = url
        self.shown_url = shown_url(url)
        self._redaction = Redaction(urls=[url])  # what a node says may quote the URL
        self._provider = HTTPProvider(
            url, request_kwargs={"timeout": timeout_s}, exception_retry_configuration=None
        )

    def call(self, method: str, *params: object) -> object:
        """The result of a method. Raises RpcError, or Reverted where a contract refused."""
        try:
            answer: object = self._provider.make_request(RPCEndpoint(method), list(params))
        except requests.Timeout as error:
            raise self.error(method, "no answer in time") from error
        except requests.ConnectionError as error:
            raise self.error(method, "no connection") from error
        except requests.RequestException as error:
            raise self.error(method, f"HTTP failed: {type(error).__name__}") from error
        except (ValueError, TypeError, LookupError) as error:
            raise self.error(method, "the answer is no JSON") from error
        if not isinstance(answer, Mapping):
            raise self.error(method, "the answer is no JSON object")
        if answer.get("error") is not None:
            raise self._refusal(method, answer["error"])
        if "result" not in answer:
            raise self.error(method, "the answer has neither result nor error")
        result: object = answer["result"]
        return result

    def quantity(self, method: str, *params: object) -> int:
        """A result that is a hexadecimal quantity."""
        return self.parse_quantity(method, self.call(method, *params))

    def data(self, method: str, *params: object) -> bytes:
        """A result that is hexadecimal bytes."""
        return self.parse_data(method, self.call(method, *params))

    def error(self, method: str, problem: str) -> RpcError:
        """The error to raise for a bad answer to `method`."""
        return RpcError(self.shown_url, method, self._redaction.text(problem))

    def parse_quantity(self, method: str, given: object) -> int:
        """An int from "0x1f". Raises RpcError."""
        if isinstance(given, str) and given.startswith("0x"):
            try:
                return int(given, 16)
            except ValueError:
                pass
        raise self.error(method, f"{given!r:.80} is no quantity")

    def parse_data(self, method: str, given: object) -> bytes:
        """Bytes from "0xabcd". Raises RpcError."""
        if isinstance(given, str) and given.startswith("0x"):
            try:
                return bytes.fromhex(given[2:])
            except ValueError:
                pass
        raise self.error(method, f"{given!r:.80} is no hexadecimal data")

    def parse_object(self, method: str, given: object) -> Json:
        """A JSON object. Raises RpcError."""
        if not isinstance(given, Mapping):
            raise self.error(method, f"{given!r:.80} is no object")
        return given

    def _refusal(self, method: str, error: object) -> RpcError | Reverted:
        if not isinstance(error, Mapping):
            return self.error(method, f"error {error!r:.200}")
        message, code = self._redaction.text(str(error.get("message", ""))), error.get("code")
        data = error.get("data")
        if isinstance(data, Mapping):
            data = data.get("data")
        if isinstance(data, str) and data.startswith("0x"):
            return reverted(revert_reason(self.parse_data(method, data)))
        if "revert" in message.lower() or code == 3:
            return reverted(None)
        number = code if isinstance(code, int) else 0
        return RpcRefused(self.shown_url, method, f"{message} (code {number})", number)


def revert_reason(data: bytes) -> str | None:
    """The string of Error(string), a hexadecimal dump of other data, or None for no data."""
    if not data:
        return None
    if data[:4] == ERROR_SELECTOR:
        try:
            return str(decode(["string"], data[4:])[0])
        except DecodingError:
            pass
    return "0x" + data[:64].hex()
