"""`wattlane sequencer rescue`: drain the queue when the operator does not."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

import typer

from wattlane.cli.options import (
    DEFAULT_CHECKPOINTS,
    DEFAULT_FOLDER,
    Archive,
    Beacon,
    BlobSequencer,
    Checkpoints,
    Cluster,
    Confirmations,
    ContractAddress,
    Folder,
    L1Url,
    PassphraseFile,
)

if TYPE_CHECKING:
    from pathlib import Path

    from eth_account.signers.local import LocalAccount


def rescue(
    l1: L1Url,
    contract: ContractAddress,
    folder: Folder = DEFAULT_FOLDER,
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    confirmations: Confirmations = None,
    archive: Archive = None,
    sequencer: BlobSequencer = None,
    beacon: Beacon = None,
    passphrase_file: PassphraseFile = None,
    prover: Cluster = None,
) -> None:
    """Drain the queue when the operator does not: anyone may, once its oldest op is 3 days old.

    Rebuilds the state from L1 alone, proves batches of queue ops (deposits, forced exits, closes,
    challenges) and submits them until none is left that is due. It needs the contract's proving
    key in the cache, and an L1 account with ether: the key in WATTLANE_L1_KEY, or else the wallet
    in the folder. Interrupted, or overtaken by someone else, run it again: it goes on from there.
    """
    from contracts.blob_places import blob_sources
    from contracts.client import RollupClient
    from contracts.finality import FINALIZED, Finality
    from protocol.crypto import compiled
    from wattlane.cli.progress import shown_progress
    from wattlane.proving import open_prover_for
    from wattlane.rescuing import Drained, check_due, drain
    from wattlane.state_file import rebuild_from_checkpoint

    account = _account(folder, passphrase_file)
    blobs = blob_sources(l1, archive=archive, sequencer=sequencer, beacon=beacon)
    finality = FINALIZED if confirmations is None else Finality(confirmations)
    client = RollupClient(l1, contract, account, finality=finality, blobs=blobs)
    compiled.install()
    with shown_progress() as progress:
        follow = partial(
            rebuild_from_checkpoint,
            client,
            checkpoints,
            progress=progress,
            say=partial(typer.echo, err=True),
        )
        rebuilt = follow()
        check_due(client, rebuilt)
        if not rebuilt.waiting:
            typer.echo("the queue is empty: there is nothing to rescue")
            return
        with open_prover_for(client, progress, scheduler=prover) as proving:
            for done in drain(client, proving, follow, progress):
                if isinstance(done, Drained):
                    proofs = "1 proof" if done.proofs == 1 else f"{done.proofs} proofs"
                    typer.echo(
                        f"batch {done.number}: {done.ops} ops in {proofs}, {done.gas_used:,} gas; "
                        f"{done.left} left"
                    )
                else:
                    typer.echo(f"made anew: {done.why}", err=True)
        left = follow().waiting
    typer.echo("the queue is empty" if not left else f"{len(left)} ops are left, not due yet")


def _account(folder: Path, passphrase_file: Path | None) -> LocalAccount:
    """The L1 account that pays: WATTLANE_L1_KEY's, or the wallet's."""
    from eth_account import Account

    from channels.passphrase import read_passphrase
    from channels.wallet import Wallet

    given = os.environ.get("WATTLANE_L1_KEY")
    if not given:
        return Wallet.load(folder, read_passphrase(passphrase_file)).l1_account
    try:
        account: LocalAccount = Account.from_key(bytes.fromhex(given.removeprefix("0x")))
    except ValueError:
        raise typer.BadParameter("WATTLANE_L1_KEY holds no private key") from None
    return account
