"""A node that is silent, gone, or talks nonsense gives one error, naming it and the trouble."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from contracts import errors
from contracts.client import RollupReader
from contracts.redaction import shown_url
from contracts.rpc import Rpc, revert_reason
from contracts.transactions import find_receipt

ADDRESS = "0x" + 39 * "0" + "1"
Serve = Callable[[bytes], Rpc]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a node that gives one fixed body to every request."""
    servers: list[ThreadingHTTPServer] = []

    def start(body: bytes, status: int = 200) -> Rpc:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return Rpc(f"http://127.0.0.1:{server.server_address[1]}", timeout_s=5)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    "body",
    [
        b"<html>gateway timeout</html>",
        b"",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"3",
        b"{}",
        b'{"id": 1}',
        b'{"result": null}',
        b'{"result": 7}',
        b'{"result": "seven"}',
        b'{"result": "0xzz"}',
        b'{"result": {}}',
        b'{"error": "broken"}',
        b'{"error": {"code": -32000, "message": "header not found"}}',
        b'{"error": {}}',
    ],
)
def test_garbage_becomes_one_typed_error(serve: Serve, body: bytes) -> None:
    rpc = serve(body)
    with pytest.raises(errors.RpcError) as caught:
        rpc.quantity("eth_blockNumber")
    assert caught.value.url == rpc.shown_url
    assert caught.value.method == "eth_blockNumber"
    assert caught.value.problem
    with pytest.raises(errors.RpcError):
        rpc.data("eth_getCode", ADDRESS)


@pytest.mark.parametrize(
    "result", [b"7", b'"0x"', b'"0x01"', b"[]", b'{"status": "0x1"}', b'"0x%s"' % (31 * b"ff")]
)
def test_reads_of_a_contract_that_do_not_decode_are_errors(serve: Serve, result: bytes) -> None:
    rpc = serve(b'{"result": ' + result + b"}")
    reader = RollupReader(rpc.url, ADDRESS)
    reads: list[Callable[[], object]] = [
        reader.state_root,
        reader.settings,
        reader.progress,
        reader.verifying_key,
        reader.latest_block,
        lambda: find_receipt(rpc, bytes(32)),
    ]
    if result != b"[]":  # a list, and right where there are no logs
        reads += [lambda: list(reader.queue_ops(0, 5)), lambda: list(reader.batches(0, 5))]
    for read in reads:
        with pytest.raises((errors.RpcError, errors.NoContract)):
            read()


def test_a_node_that_does_not_answer_in_time_is_named() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        rpc = Rpc(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout_s=0.2)
        with pytest.raises(errors.RpcError, match="no answer in time"):
            rpc.call("eth_chainId")


def test_a_node_that_is_not_there_is_named() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    rpc = Rpc(f"http://127.0.0.1:{port}", timeout_s=1)
    with pytest.raises(errors.RpcError, match=f"127.0.0.1:{port}.*no connection"):
        rpc.call("eth_chainId")


def test_bad_urls_are_errors() -> None:
    for url in ("", "nonsense", "ftp://127.0.0.1", "http://"):
        with pytest.raises(errors.RpcError):
            Rpc(url, timeout_s=1).call("eth_chainId")


def test_secrets_in_a_url_are_not_shown() -> None:
    assert (
        shown_url("https://user:pass@node.example:8545/v3/KEY?k=1") == "https://node.example:8545"
    )


def test_revert_reasons_are_read_from_all_known_places(serve: Serve) -> None:
    reason = "08c379a0" + f"{32:064x}" + f"{9:064x}" + b"StaleRoot".hex().ljust(64, "0")
    assert revert_reason(bytes.fromhex(reason)) == "StaleRoot"
    assert revert_reason(b"") is None
    assert revert_reason(bytes.fromhex("08c379a0ff")) == "0x08c379a0ff"
    for error in (
        '{"code": 3, "message": "execution reverted", "data": "0x%s"}',
        '{"code": -32000, "message": "revert", "data": {"data": "0x%s"}}',
    ):
        rpc = serve(f'{{"error": {error % reason}}}'.encode())
        with pytest.raises(errors.StaleRoot):
            rpc.call("eth_call")
    rpc = serve(b'{"error": {"code": 3, "message": "execution reverted", "data": "0x"}}')
    with pytest.raises(errors.MalformedCalldata):
        rpc.call("eth_call")
