"""`wattlane deposit`, `withdraw`, `balance`: money between L1 and the rollup."""

from __future__ import annotations

from typing import Annotated

import typer

from wattlane.cli.commands import OwnL1, OwnSequencer, command
from wattlane.cli.options import (
    DEFAULT_FOLDER,
    Confirmations,
    ContractAddress,
    Folder,
    L1Url,
    PassphraseFile,
)

Amount = Annotated[str, typer.Argument(help="Tokens, such as 12.5; at most nine decimal places.")]


def deposit(
    amount: Amount,
    l1: L1Url,
    contract: ContractAddress,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Return when L1 cannot take it back any more.")
    ] = False,
    folder: Folder = DEFAULT_FOLDER,
    confirmations: Confirmations = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Move tokens from the wallet's L1 account into its rollup account.

    The first deposit opens the account: the contract gives it its number. The sequencer credits
    it from the L1 queue; nobody can leave it out for long (docs/protocol.md section 6). A
    reorganisation of L1 can take it back until its block is final: --wait says if that happens.
    """
    from channels.passphrase import read_passphrase
    from channels.wallet import Wallet
    from contracts.client import RollupClient
    from contracts.finality import FINALIZED, Finality
    from wattlane.deposits import deposit as deposit_tokens
    from wattlane.deposits import wait_final
    from wattlane.money import parse_tokens, show_tokens

    amount_ntok = parse_tokens(amount)
    wallet = Wallet.load(folder, read_passphrase(passphrase_file))
    finality = FINALIZED if confirmations is None else Finality(confirmations)
    client = RollupClient(l1, contract, wallet.l1_account, finality=finality)
    done = deposit_tokens(client, wallet.key_hash, amount_ntok)
    account = f"account {done.account_index}" + (", newly opened" if done.opened else "")
    typer.echo(f"{show_tokens(amount_ntok)} tokens deposited into {account}")
    typer.echo(f"queue op {done.op_number}: credited with one of the next batches")
    if wait:
        wait_final(client, done)
        typer.echo("final: L1 cannot take it back any more")


def withdraw(
    amount: Amount,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Return when the tokens are on L1, or at once.")
    ] = True,
    folder: Folder = DEFAULT_FOLDER,
    l1: OwnL1 = None,
    sequencer: OwnSequencer = None,
    confirmations: Confirmations = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Move tokens from the rollup account to the wallet's own L1 account.

    The batch that contains it has to be proved and accepted first; then the tokens are collected
    from the contract, which costs the L1 account some gas.
    """
    from wattlane.money import parse_tokens, show_tokens

    amount_ntok = parse_tokens(amount)
    transaction_id = command(
        lambda node: node.withdraw(amount_ntok, wait=wait),
        folder,
        l1,
        sequencer,
        confirmations,
        passphrase_file,
    )
    done = "are on L1" if wait else "are on their way; `wattlane balance` shows when to collect"
    typer.echo(f"{show_tokens(amount_ntok)} tokens {done}")
    typer.echo(f"transaction  {transaction_id}")


def balance(
    collect: Annotated[
        bool, typer.Option("--collect", help="Also take out of the contract what is pending.")
    ] = False,
    folder: Folder = DEFAULT_FOLDER,
    l1: OwnL1 = None,
    sequencer: OwnSequencer = None,
    confirmations: Confirmations = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Show what the account holds: final on L1, as the sequencer says, and waiting on L1."""
    from channels.control_client import ControlClient
    from wattlane.money import show_tokens

    async def act(node: ControlClient) -> tuple[dict[str, int], dict[str, int]]:
        if collect:
            await node.collect()
        return await node.info(), await node.balance()

    info, found = command(act, folder, l1, sequencer, confirmations, passphrase_file)
    typer.echo(f"account      {info['account_index']}")
    typer.echo(f"final on L1  {show_tokens(found['final_ntok'])}")
    typer.echo(f"soon         {show_tokens(found['soft_ntok'])}  (the sequencer's word)")
    typer.echo(
        f"to collect   {show_tokens(found['pending_l1_ntok'])}  (withdrawn, in the contract)"
    )
