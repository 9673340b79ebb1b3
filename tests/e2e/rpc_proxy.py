"""An RPC node between sequencer and L1 that a test can make silent, wrong or broken."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

import requests

GARBAGE: dict[str, bytes] = {
    "html": b"<html>502 Bad Gateway</html>",
    "wrong types": b'{"jsonrpc":"2.0","id":1,"result":{"number":"zz"}}',
    "no result": b'{"jsonrpc":"2.0","id":1}',
    "null": b"null",
    "cut": b'{"jsonrpc":"2.0","id":1,"resu',
}


class RpcProxy:
    """`mode`: "pass", "silent" (never answers), "error" (HTTP 500), "quote" (refuses, and quotes
    the address that it was asked under), or a key of GARBAGE."""

    def __init__(self, upstream: str) -> None:
        self.mode = "pass"
        self.calls = 0
        self._released = threading.Event()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                proxy.calls += 1
                body = self.rfile.read(int(self.headers["content-length"]))
                status, answer = 200, b""
                match proxy.mode:
                    case "pass":
                        headers = {"content-type": "application/json"}
                        answer = requests.post(
                            upstream, data=body, headers=headers, timeout=120
                        ).content
                    case "silent":
                        proxy._released.wait()
                        self.close_connection = True
                        return
                    case "quote":
                        said = f"no such key: {self.path} {self.headers['authorization']}"
                        refusal = {"code": -32_000, "message": said}
                        answer = json.dumps({"jsonrpc": "2.0", "id": 1, "error": refusal}).encode()
                    case "error":
                        status, answer = 500, b"internal error"
                    case garbage:
                        answer = GARBAGE[garbage]
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> RpcProxy:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
