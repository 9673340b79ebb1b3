"""A sequencer that is silent, broken or answers garbage is one clear error that names it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from wattlane import sequencer_view
from wattlane.sequencer_view import SequencerSilent, SequencerView

GOOD = {
    "l1_time": "5",
    "mempool": "0",
    "sealed_batch": "2",
    "final_batch": "2",
    "final_root": "0x7",
    "queue": {"seen": "3", "final": "3"},
}


@contextmanager
def _answering(answer: Callable[[], tuple[int, bytes]], link: str = "") -> Iterator[str]:
    """A server that gives every request this answer, and a first one this link; yields its URL."""
    links = [link] if link else []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answer()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            if links:
                self.send_header("link", links.pop())
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def _standing(status: int, body: bytes) -> sequencer_view.Standing:
    with _answering(lambda: (status, body)) as url, SequencerView(url) as view:
        return view.standing()


def test_a_good_answer_is_read() -> None:
    standing = _standing(200, json.dumps(GOOD).encode())
    assert (standing.final_root, standing.ops_seen, standing.idle) == (7, 3, True)


@pytest.mark.parametrize(
    ("status", "body", "word"),
    [
        (502, b"<html>Bad Gateway</html>", "502"),
        (200, b"<html>hello</html>", "/v1/state"),
        (200, b"", "/v1/state"),
        (200, b"\xff\xfe{}", "/v1/state"),
        (200, b"[1]", "no object"),
        (200, b"{}", "no queue"),
        (200, json.dumps(GOOD | {"queue": 7}).encode(), "no queue"),
        (200, json.dumps(GOOD | {"final_root": "many"}).encode(), "final_root is 'many'"),
    ],
)
def test_garbage_is_one_error_that_names_server_and_place(
    status: int, body: bytes, word: str
) -> None:
    with pytest.raises(SequencerSilent) as caught:
        _standing(status, body)
    assert word in str(caught.value)
    assert caught.value.url.startswith("http://127.0.0.1:")


GOOD_BATCH = {
    "number": "1",
    "status": "sealed",
    "transaction_count": "3",
    "op_count": "2",
    "new_root": "7",
    "proofs": [{"proof": "0x12"}, {"proof": None}],
    "prove_seconds": None,
    "constraints": 260_000,
    "gas_used": None,
}


def test_batches_are_read_page_by_page_with_the_proofs_that_are_there() -> None:
    pages = [json.dumps([GOOD_BATCH | {"number": str(number)}]).encode() for number in (1, 2)]
    link = '</v1/batches?cursor=abc>; rel="next"'
    with _answering(lambda: (200, pages.pop(0)), link) as url, SequencerView(url) as view:
        row, second = view.batches()
    assert not pages
    assert second.number == 2
    assert (row.number, row.proofs, row.made, row.prove_seconds) == (1, 2, 1, 0.0)
    assert (row.transactions, row.ops, row.constraints) == (3, 2, 260_000)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[1]",
        b'[{"number": "x"}]',
        json.dumps([GOOD_BATCH | {"proofs": 2}]).encode(),
        json.dumps([GOOD_BATCH | {"proofs": [7]}]).encode(),
    ],
)
def test_garbage_instead_of_batches_is_an_error_too(body: bytes) -> None:
    with (
        _answering(lambda: (200, body)) as url,
        SequencerView(url) as view,
        pytest.raises(SequencerSilent),
    ):
        view.batches()


def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequencer_view, "TIMEOUT_S", 0.2)
    released = threading.Event()

    def silent() -> tuple[int, bytes]:
        released.wait(120)
        return 503, b""

    with _answering(silent) as url, SequencerView(url) as view:
        with pytest.raises(SequencerSilent, match="timed out"):
            view.standing()
        assert not view.healthy()
        released.set()


def test_a_server_that_is_not_there_is_named() -> None:
    with SequencerView("http://127.0.0.1:9") as view, pytest.raises(SequencerSilent) as caught:
        view.info()
    assert "http://127.0.0.1:9" in str(caught.value)
