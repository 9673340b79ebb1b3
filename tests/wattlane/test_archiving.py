"""Archiving: every blob once, from wherever it is; what is missing is looked for again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from contracts.blob_archive import BlobArchive
from contracts.blob_sources import BlobSources, WantedBlob
from contracts.chain import Chain, start_chain
from contracts.kzg import is_blob_of
from tests.support.simulated_blobs import BlobBatch, blob_batch
from tests.support.simulated_rollup import SimulatedRollup, deploy_simulated
from tests.wattlane.cli.running import assert_one_line, wattlane
from wattlane.archiving import ArchiveFailed, Archiver


@dataclass(slots=True)
class Network:
    """Has the blobs that a test says, and remembers what it was asked for."""

    name: str = "the network"
    blobs: list[bytes] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)

    def candidates(self, wanted: WantedBlob) -> Sequence[bytes]:
        self.asked.append(wanted.batch)
        return self.blobs


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    with start_chain("embedded") as chain:
        yield chain


@pytest.fixture(scope="module")
def rollup(chain: Chain) -> SimulatedRollup:
    """Batches 1 and 3 are in blobs, batch 2 is in calldata."""
    made = deploy_simulated(chain, chain.accounts[0])
    _submit(made, 1)
    made.client.submit_batch(made.honest(2))
    _submit(made, 3)
    return made


def _submit(rollup: SimulatedRollup, root: int) -> BlobBatch:
    statement = rollup.statement(root, data=(root, 0, 0, 9))
    batch = blob_batch(rollup, [statement])
    rollup.client.submit_blob_batch(batch.submission, batch.sidecar)
    return batch


def _all(rollup: SimulatedRollup) -> list[bytes]:
    return [rollup.client.blobs.find(wanted) for wanted in rollup.client.wanted_blobs()]


def _archiver(rollup: SimulatedRollup, folder: Path, network: Network) -> Archiver:
    return Archiver(rollup.client, BlobArchive(folder), BlobSources((network,)))


def _silent(stage: str, done: int, total: int, /) -> None:
    assert 0 <= done <= total


def test_every_blob_is_kept_once_and_the_next_run_goes_on(
    rollup: SimulatedRollup, tmp_path: Path
) -> None:
    network = Network(blobs=_all(rollup))
    archiver = _archiver(rollup, tmp_path, network)
    done = archiver.run(_silent)
    assert (done.kept, done.held, done.missing) == (2, 0, ())
    for wanted in rollup.client.wanted_blobs():
        path = tmp_path / f"0x{wanted.versioned_hash.hex()}.blob"
        assert is_blob_of(path.read_bytes(), wanted.versioned_hash)
    again = _archiver(rollup, tmp_path, network).run(_silent)
    assert (again.kept, again.held) == (0, 0), "all blocks so far are complete"
    archiver.notes.unlink()
    from_the_start = archiver.run(_silent)
    assert (from_the_start.kept, from_the_start.held) == (0, 2)
    assert network.asked == [1, 3]


def test_what_is_missing_is_looked_for_again_though_later_ones_are_kept(
    rollup: SimulatedRollup, tmp_path: Path
) -> None:
    blobs = _all(rollup)
    network = Network(blobs=blobs[1:])
    archiver = _archiver(rollup, tmp_path, network)
    done = archiver.run(_silent)
    assert (done.kept, [one.batch for one in done.missing]) == (1, [1])
    assert not archiver.notes.exists()
    network.blobs = blobs[:1]
    done = archiver.run(_silent)
    assert (done.kept, done.held, done.missing) == (1, 1, ())
    assert archiver.notes.exists()


def test_notes_of_another_chain_or_torn_ones_cost_time_only(
    rollup: SimulatedRollup, tmp_path: Path
) -> None:
    archiver = _archiver(rollup, tmp_path, Network(blobs=_all(rollup)))
    for noted in ('{"block": 1, "hash": "0x00"}', '{"block": 99999999, "hash": "0x00"}', "{", "3"):
        archiver.notes.write_text(noted)
        done = archiver.run(_silent)
        assert done.kept + done.held == 2
    archiver.notes.unlink()
    archiver.notes.mkdir()
    with pytest.raises(ArchiveFailed, match="cannot be read"):
        archiver.run(_silent)


def test_the_command_fills_a_folder_and_says_what_is_missing(
    rollup: SimulatedRollup, tmp_path: Path
) -> None:
    arguments = ["archive", "--contract", rollup.client.address, "--confirmations", "0"]
    arguments += ["--l1", rollup.chain.url, "--to", str(tmp_path / "blobs")]
    done = wattlane(*arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "2 new, 0 held, 0 missing\n"
    nowhere = wattlane(*arguments[:-1], str(tmp_path / "others"), "--beacon", "http://127.0.0.1:1")
    assert nowhere.returncode == 1
    assert nowhere.stdout == "0 new, 0 held, 2 missing\n"
    assert "no answer" in nowhere.stderr
    (tmp_path / "file").write_text("")
    assert_one_line(wattlane(*arguments[:-1], str(tmp_path / "file" / "x")), 1, "cannot be made")
