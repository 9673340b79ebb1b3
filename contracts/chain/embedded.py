"""The embedded L1: an EVM of Prague rules in a process of its own, behind loopback JSON-RPC.

Under the paths of a beacon node it serves the blobs that it was sent.

    python -m contracts.chain.embedded --port 8545

For machines where anvil cannot be installed. The chain lives in memory and ends with its process;
a process started by `start_embedded` also ends when its parent does.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from contracts.chain.chain import (
    DEV_ACCOUNTS,
    DEV_BALANCE_WEI,
    DEV_CHAIN_ID,
    LISTENING,
    LOOPBACK,
    Chain,
    ChainUnavailable,
    dev_account,
    launch,
)

MAX_BODY_BYTES = 16 * 1024 * 1024
IDLE_TIMEOUT_S = 600


def start_embedded(port: int) -> Chain:
    """Start the embedded chain in a child process. Raises ChainUnavailable."""
    command = [sys.executable, "-m", "contracts.chain.embedded", "--port", str(port)]
    return launch("embedded", [*command, "--with-parent"], port)


def main() -> int:
    """Serve until interrupted; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m contracts.chain.embedded")
    parser.add_argument("--port", type=int, default=8545, help="0 takes a free one")
    parser.add_argument("--with-parent", action="store_true", help="end when standard input closes")
    arguments = parser.parse_args()
    try:
        from contracts.chain.beacon import beacon_answer
        from contracts.chain.evm import Evm
        from contracts.chain.json_rpc import PARSE_ERROR, JsonRpc
    except ImportError as error:
        print(f"{error}; install the optional part: pip install 'wattlane[embedded-l1]'")
        return 1

    accounts = (dev_account(number).address for number in range(DEV_ACCOUNTS))
    balances = {bytes.fromhex(address[2:]): DEV_BALANCE_WEI for address in accounts}
    rpc = JsonRpc(Evm(DEV_CHAIN_ID, balances))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body leave in one packet
        disable_nagle_algorithm = True
        timeout = IDLE_TIMEOUT_S

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdigit() or int(length) > MAX_BODY_BYTES:
                self.send_error(HTTPStatus.LENGTH_REQUIRED)
                return
            try:
                request = json.loads(self.rfile.read(int(length)))
            except ValueError:
                answer: object = {
                    "jsonrpc": "2.0",
                    "id": None,
                    "error": {"code": PARSE_ERROR, "message": "the request is no JSON"},
                }
            else:
                if isinstance(request, list):
                    answer = [rpc.answer(one) for one in request]
                else:
                    answer = rpc.answer(request)
            self._send(answer)

        def do_GET(self) -> None:
            answer = beacon_answer(rpc, self.path)
            if answer is None:
                self.send_error(HTTPStatus.NOT_FOUND)
            else:
                self._send(answer)

        def _send(self, answer: object) -> None:
            body = json.dumps(answer).encode()
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Silence: one line a request is of no use."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

    try:
        server = Server((LOOPBACK, arguments.port), Handler)
    except OSError as error:
        print(ChainUnavailable("embedded", f"port {arguments.port}: {error}"))
        return 1
    if arguments.with_parent:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    print(f"{LISTENING}{LOOPBACK}:{server.server_address[1]}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        return 0
    return 0


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
