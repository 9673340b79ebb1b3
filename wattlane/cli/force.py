"""`wattlane force`: what a sequencer cannot keep a home from, because L1 itself is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from wattlane.cli.channel import ChannelId, channel_id_of
from wattlane.cli.commands import OwnL1, OwnSequencer, command
from wattlane.cli.options import (
    DEFAULT_FOLDER,
    Confirmations,
    ContractAddress,
    Folder,
    L1Url,
    PassphraseFile,
)

if TYPE_CHECKING:
    from pathlib import Path

    from channels.control_client import ControlClient
    from contracts.client import RollupClient

app = typer.Typer(
    no_args_is_help=True,
    help="Go to L1 itself where the sequencer does not do what it must. A running node does all "
    "this by itself in time (a claim within the first quarter of the window); these commands are "
    "for owners who do not want to wait. Each op costs a fee in ether, shown before it is paid, "
    "which nobody receives: it is burned. Every batch must take the oldest ops of L1's queue, and "
    "where no batch comes for 3 days anyone may submit one.",
)

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before the fee is paid.")]
Account = Annotated[
    int | None,
    typer.Option("--account", min=0, help="Which one, where the L1 address owns several."),
]


def _confirm(fee_wei: int, effect: str, yes: bool) -> None:
    from wattlane.money import show_ether

    typer.echo(f"fee          {show_ether(fee_wei)} ether and the gas of one L1 transaction")
    typer.echo(f"effect       {effect}")
    if not yes:
        typer.confirm("Send it?", abort=True)


def _on_channel(
    channel: str,
    what: str,
    effect: str,
    then: str,
    yes: bool,
    folder: Path,
    l1: str | None,
    sequencer: str | None,
    confirmations: int | None,
    passphrase_file: Path | None,
) -> None:
    channel_id = channel_id_of(channel)

    async def act(node: ControlClient) -> str | None:
        _confirm(await node.queue_fee_wei(), effect, yes)
        return await node.force(channel_id, what)

    sent = command(act, folder, l1, sequencer, confirmations, passphrase_file)
    if sent is None:
        typer.echo("L1's queue has it already: nothing was paid")
    else:
        typer.echo(f"transaction  {sent}")
    typer.echo(f"next         {then}")


@app.command()
def close(
    channel: ChannelId,
    yes: Yes = False,
    folder: Folder = DEFAULT_FOLDER,
    l1: OwnL1 = None,
    sequencer: OwnSequencer = None,
    confirmations: Confirmations = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Begin a channel's close on L1: FORCED_START_CLOSE.

    `wattlane channel close --force` asks the sequencer first and comes here by itself after an
    hour. Keep the node running: it claims what it was paid and ends the channel after the window.
    """
    _on_channel(
        channel,
        "start_close",
        "the channel closes without the neighbour; no payment goes through it any more",
        "the window begins with the next batch; the node claims, and ends the channel after it",
        yes,
        folder,
        l1,
        sequencer,
        confirmations,
        passphrase_file,
    )


@app.command()
def claim(
    channel: ChannelId,
    yes: Yes = False,
    folder: Folder = DEFAULT_FOLDER,
    l1: OwnL1 = None,
    sequencer: OwnSequencer = None,
    confirmations: Confirmations = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Bring the highest voucher held to L1: FORCED_CLAIM.

    It counts if it is in the queue before the channel's deadline; no batch can end the channel
    before it. A running node does it by itself before half of the window is over.
    """
    _on_channel(
        channel,
        "claim",
        "the neighbour's lane rises to what its highest voucher says",
        "the next batch takes it; `wattlane channel list` shows the channel's end",
        yes,
        folder,
        l1,
        sequencer,
        confirmations,
        passphrase_file,
    )


@app.command()
def finalize(
    channel: ChannelId,
    yes: Yes = False,
    folder: Folder = DEFAULT_FOLDER,
    l1: OwnL1 = None,
    sequencer: OwnSequencer = None,
    confirmations: Confirmations = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """End a closing channel whose window is over: FORCED_FINALIZE pays both sides out."""
    _on_channel(
        channel,
        "finalize",
        "both sides get what the lanes say into their rollup accounts",
        "the next batch pays out; `wattlane force exit` or `withdraw` brings it to L1",
        yes,
        folder,
        l1,
        sequencer,
        confirmations,
        passphrase_file,
    )


@app.command("exit")
def exit_(
    l1: L1Url,
    contract: ContractAddress,
    account: Account = None,
    yes: Yes = False,
    folder: Folder = DEFAULT_FOLDER,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Take the account's whole balance out to the wallet's L1 address: FORCED_EXIT.

    Needs L1 alone, neither node nor sequencer. What is in channels stays there: close them first,
    or come again. When a batch has taken the op, `wattlane balance --collect` brings the tokens.
    """
    from wattlane.forcing import force_exit, own_account

    client = _client(l1, contract, folder, passphrase_file)
    own = own_account(client, client.account.address, account)
    effect = f"the whole balance of account {own.index} goes to {client.account.address}"
    _confirm(client.queue_fee_wei(), effect, yes)
    asked = force_exit(client, own.index)
    typer.echo(f"queue op     {asked.op_number}, transaction {asked.transaction_hash}")
    typer.echo("next         a batch takes it; then `wattlane balance --collect` brings the tokens")


@app.command()
def key(
    l1: L1Url,
    contract: ContractAddress,
    account: Account = None,
    yes: Yes = False,
    folder: Folder = DEFAULT_FOLDER,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Give the account a new key: KEY_CHANGE, after a theft of the old one.

    The wallet takes the next key of its recovery phrase. It protects the account's balance. A
    channel keeps the keys it was opened with, and whoever has the old one can sign in it: so a
    node that runs in the folder stops paying and taking payments and closes every channel by
    force. Where the phrase itself is stolen the L1 account is too: then move to a new wallet.

    Cut off anywhere, the command goes on where it was when it is repeated.
    """
    from channels.passphrase import read_passphrase
    from channels.wallet import Wallet
    from contracts.client import RollupClient
    from wattlane.forcing import change_key, own_account

    passphrase = read_passphrase(passphrase_file)
    wallet = Wallet.load(folder, passphrase)
    client = RollupClient(l1, contract, wallet.l1_account)
    own = own_account(client, wallet.l1_address, account)
    effect = f"account {own.index} gets a new key; all its channels are to be closed by force"
    _confirm(client.queue_fee_wei(), effect, yes)
    if wallet.key_hash == own.key_hash:
        wallet = Wallet.rotate(folder, passphrase)
    # else: an earlier call has replaced the wallet's key and did not get to L1
    asked = change_key(client, own.index, wallet.key_hash)
    typer.echo(f"key hash     {wallet.key_hash:#066x} (number {wallet.key_number})")
    typer.echo(f"queue op     {asked.op_number}, transaction {asked.transaction_hash}")
    closing = _retire(folder)
    if closing is None:
        typer.echo("next         run the node with --wait-for-account: it closes the channels")
    else:
        typer.echo(f"next         the running node closes its {closing} channels by force; when")
        typer.echo("             they are closed, start it again: it then uses the new key")


def _retire(folder: Path) -> int | None:
    """Have the folder's node close its channels; how many, or None where none runs."""
    import asyncio

    from channels.control_client import ControlClient
    from channels.errors import NodeNotRunning

    async def run() -> int:
        async with ControlClient.connect(folder) as node:
            return await node.retire_key()

    try:
        return asyncio.run(run())
    except NodeNotRunning:
        return None


def _client(l1: str, contract: str, folder: Path, passphrase_file: Path | None) -> RollupClient:
    from channels.passphrase import read_passphrase
    from channels.wallet import Wallet
    from contracts.client import RollupClient

    wallet = Wallet.load(folder, read_passphrase(passphrase_file))
    return RollupClient(l1, contract, wallet.l1_account)
