"""A sequencer whose batches' data go into blobs: killed, restarted, its database lost, its mode
changed; and the state rebuilt from an archive alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.blob_archive import BlobArchive
from contracts.blob_sources import BlobSources, SequencerBlobs
from contracts.chain import Chain
from contracts.finality import LATEST
from contracts.kzg import is_blob_of
from contracts.reader import RollupReader
from contracts.rebuilding import rebuild
from protocol.transactions import Transaction, Transfer
from sequencer.settings import DATABASE, make_settings, save_settings
from tests.e2e.sequencer_process import FEE_NTOK, SequencerProcess, Setting, start_l1
from tests.support.kzg_on_chain import warm_up


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    with start_l1() as chain:
        warm_up(chain.url)
        made = Setting.make(chain, tmp_path / "operator")
        _change(made, data_mode="blob", archive_folder=tmp_path / "blobs")
        yield made


def _change(setting: Setting, **values: object) -> None:
    setting.settings = make_settings({**setting.settings.model_dump(), **values})
    save_settings(setting.settings)


def _payment(setting: Setting, nonce: int) -> Transaction:
    body = Transfer(1, 2, nonce, 1, FEE_NTOK, setting.valid_until())
    return setting.signed(body, setting.anna)


def _reader(setting: Setting, chain: Chain, blobs: BlobSources | None = None) -> RollupReader:
    return RollupReader(chain.url, setting.settings.contract, finality=LATEST, blobs=blobs)


def test_a_sequencer_in_blob_mode_loses_nothing(setting: Setting, tmp_path: Path) -> None:
    folder, chain = setting.settings.folder, setting.chain
    killed = SequencerProcess(folder, kill_at="after:record_intent")
    killed.wait_killed()
    sequencer = SequencerProcess(folder).ready()
    paid = sequencer.submit(_payment(setting, 0))
    sequencer.wait_status(paid, "final")

    reader = _reader(setting, chain)
    wanted = list(reader.wanted_blobs())
    assert [one.batch for one in wanted] == list(range(1, len(wanted) + 1))
    assert len(wanted) == reader.progress().batches >= 2
    served = BlobSources((SequencerBlobs(sequencer.url),))
    for one in wanted:
        assert is_blob_of(served.find(one), one.versioned_hash)
    sequencer.stop()

    for path in folder.glob(DATABASE + "*"):
        path.unlink()
    _change(setting, data_mode="calldata", beacon_url="http://127.0.0.1:1")
    again = SequencerProcess(folder).ready()  # from the archive: no beacon node answers
    paid = again.submit(_payment(setting, 1))
    again.wait_status(paid, "final")
    again.stop()

    archived = _reader(setting, chain, BlobSources((BlobArchive(tmp_path / "blobs"),)))
    rebuilt = rebuild(archived)
    assert rebuilt.state.root == reader.state_root()
    account = rebuilt.state.find_account(1)
    assert account is not None
    assert account.nonce == 2
    links = [batch.submission.link for batch in archived.batches()]
    assert None not in links[:-1]
    assert links[-1] is None
