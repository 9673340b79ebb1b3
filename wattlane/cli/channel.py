"""`wattlane channel`: open, pay, close and list a home's channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from wattlane.cli.commands import OwnL1, OwnSequencer, Peers, command
from wattlane.cli.completing import channel_ids
from wattlane.cli.options import DEFAULT_FOLDER, Confirmations, Folder, PassphraseFile

if TYPE_CHECKING:
    from channels.control_client import ControlClient

app = typer.Typer(
    no_args_is_help=True,
    help="A home's channels. Commands go to the node that runs in the folder; where none runs, "
    "it is opened for the command, given --l1 and --sequencer.",
)

ChannelId = Annotated[
    str,
    typer.Argument(
        metavar="CHANNEL",
        help="The channel's id, as `list` shows it.",
        autocompletion=channel_ids,
    ),
]
Wait = Annotated[
    bool, typer.Option("--wait/--no-wait", help="Return when it is final on L1, or at once.")
]
DAY_S = 86_400


@app.command("open")
def open_(
    peer_account: Annotated[int, typer.Argument(metavar="ACCOUNT", min=0, help="The neighbour's.")],
    deposit: Annotated[str, typer.Argument(help="Tokens to put in, such as 2.5.")],
    window: Annotated[
        int, typer.Option("--window", help="Challenge window in days, 1 to 30.", min=1, max=30)
    ] = 1,
    wait: Wait = True,
    folder: Folder = DEFAULT_FOLDER,
    l1: OwnL1 = None,
    sequencer: OwnSequencer = None,
    peer: Peers = None,
    confirmations: Confirmations = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Open a channel with a neighbour, who need not be online. Costs no L1 gas."""
    from wattlane.money import parse_tokens

    deposit_ntok = parse_tokens(deposit)

    async def act(node: ControlClient) -> tuple[int, str]:
        return await node.open_channel(
            peer_account, deposit_ntok=deposit_ntok, window_s=window * DAY_S, wait=wait
        )

    channel_id, transaction_id = command(
        act, folder, l1, sequencer, confirmations, passphrase_file, peer
    )
    typer.echo(f"channel      {channel_id:#x}")
    typer.echo(f"transaction  {transaction_id}")


@app.command()
def pay(
    channel: ChannelId,
    energy_wh: Annotated[int, typer.Argument(metavar="WH", min=1, help="Energy bought, in Wh.")],
    price: Annotated[
        int, typer.Argument(metavar="PRICE", min=1, help="utok per kWh: 200000 is 0.20 tokens.")
    ],
    payment_id: Annotated[
        str | None, typer.Option("--id", help="Repeating a payment with its id pays only once.")
    ] = None,
    folder: Folder = DEFAULT_FOLDER,
    l1: OwnL1 = None,
    sequencer: OwnSequencer = None,
    peer: Peers = None,
    confirmations: Confirmations = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Pay a neighbour for energy: one signed voucher, on disk at both ends when this returns."""
    from wattlane.money import show_tokens

    channel_id = channel_id_of(channel)
    paid = command(
        lambda node: node.pay(
            channel_id, energy_wh=energy_wh, price_utok_per_kwh=price, payment_id=payment_id
        ),
        folder,
        l1,
        sequencer,
        confirmations,
        passphrase_file,
        peer,
    )
    amount = show_tokens(paid.amount_ntok)
    typer.echo(f"paid {amount} tokens for {energy_wh} Wh in {paid.latency_ms:.1f} ms")
    typer.echo(f"payment  {paid.payment_id}")


@app.command()
def close(
    channel: ChannelId,
    force: Annotated[
        bool,
        typer.Option("--force", help="Without the neighbour: it takes the challenge window."),
    ] = False,
    wait: Wait = True,
    folder: Folder = DEFAULT_FOLDER,
    l1: OwnL1 = None,
    sequencer: OwnSequencer = None,
    peer: Peers = None,
    confirmations: Confirmations = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Close a channel together with the neighbour, or by force where it does not answer.

    By force: START_CLOSE, a CLAIM of the highest voucher held, and after the window FINALIZE. The
    node must run for that; with --no-wait it goes on by itself.
    """
    channel_id = channel_id_of(channel)

    async def act(node: ControlClient) -> None:
        if force:
            await node.force_close(channel_id, wait=wait)
        else:
            await node.close(channel_id, wait=wait)

    command(act, folder, l1, sequencer, confirmations, passphrase_file, peer)
    typer.echo("closed" if wait else "the close is on its way")


@app.command("list")
def list_(
    folder: Folder = DEFAULT_FOLDER,
    l1: OwnL1 = None,
    sequencer: OwnSequencer = None,
    confirmations: Confirmations = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """List all channels: who, how much is in them, what was paid each way."""
    from wattlane.money import show_energy, show_tokens

    found = command(
        lambda node: node.channels(), folder, l1, sequencer, confirmations, passphrase_file
    )
    if not found:
        typer.echo("no channels")
    for one in found:
        typer.echo(f"{one['channel_id']:#x}  with account {one['peer_index']}, {one['status']}")
        own, theirs = show_tokens(one["deposit_own_ntok"]), show_tokens(one["deposit_peer_ntok"])
        typer.echo(f"  deposits  own {own}, theirs {theirs}")
        out, into = show_tokens(one["paid_out_ntok"]), show_tokens(one["paid_in_ntok"])
        bought, sold = show_energy(one["energy_out_wh"]), show_energy(one["energy_in_wh"])
        typer.echo(f"  paid      {out} for {bought} kWh;  received {into} for {sold} kWh")


def channel_id_of(given: str) -> int:
    """A channel's id as typed. Raises BadParameter."""
    try:
        return int(given, 16) if given.startswith("0x") else int(given)
    except ValueError:
        raise typer.BadParameter(f"{given[:40]!r} is no channel id such as 0x100000002") from None
