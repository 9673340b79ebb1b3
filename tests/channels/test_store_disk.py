"""The store on a disk that takes no more, or that it may not write to: one clear error."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import resource
import shutil
import signal
import tempfile
from multiprocessing.queues import SimpleQueue
from pathlib import Path

import pytest

from channels.errors import StoreError, StoreFailed
from channels.lanes import sign_payment
from channels.records import Identity, SaveLeaf, SaveSigned
from channels.store import Store
from tests.channels.street import ANN, DOMAIN, NOW, PAYMENT, ann

Results = SimpleQueue[tuple[int, int, str, str]]
IDENTITY = Identity(DOMAIN, ANN.index, ANN.key_hash)


def _fill(folder: str, limit_bytes: int, results: Results) -> None:
    """In a process of its own: pay until the file size limit bites."""

    async def pay() -> None:
        store = Store.open(folder, IDENTITY)
        await store.write(SaveLeaf(ann()))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))
        state, highest = ann(), 0
        try:
            while True:
                state, voucher = sign_payment(
                    state, PAYMENT, NOW, ANN.sign, trusted_ntok=10_000_000
                )
                await store.write(SaveSigned(voucher))
                highest = voucher.lane_value
        except StoreError as error:
            results.put((highest, voucher.lane_value, type(error).__name__, str(error)))

    asyncio.run(pay())


def test_a_full_disk_is_one_clear_error_and_nothing_is_acknowledged(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    results: Results = context.SimpleQueue()
    limit_bytes = 120_000
    process = context.Process(target=_fill, args=(str(tmp_path), limit_bytes, results))
    process.start()
    process.join(120)
    assert process.exitcode == 0
    highest, attempted, name, message = results.get()
    assert name == "StoreFailed"
    assert "nothing was acknowledged" in message
    with Store.open(tmp_path, IDENTITY) as again:
        (found,) = again.load_channels()
        assert found.state.signed is not None
        assert highest <= found.state.signed.lane_value <= attempted


def _open_as_nobody(folder: str, results: Results) -> None:
    """In a process of its own, which gives up root's right to write everywhere."""
    if os.geteuid() == 0:
        os.setuid(65_534)
    try:
        Store.open(folder, IDENTITY).close()
    except StoreError as error:
        results.put((0, 0, type(error).__name__, str(error)))


def test_a_read_only_folder_is_one_clear_error(tmp_path: Path) -> None:
    Store.open(tmp_path, IDENTITY).close()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in tmp_path.iterdir():
            shutil.copy(file, folder)
        for file in folder.iterdir():
            file.chmod(0o444)
        folder.chmod(0o555)
        context = multiprocessing.get_context("spawn")
        results: Results = context.SimpleQueue()
        process = context.Process(target=_open_as_nobody, args=(name, results))
        process.start()
        process.join(120)
        folder.chmod(0o755)
        assert not results.empty()
        _, _, kind, message = results.get()
        assert (kind, "Permission denied" in message) == ("StoreFailed", True)


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreFailed):
        Store.open(tmp_path / "file" / "node", IDENTITY)
