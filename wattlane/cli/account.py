"""`wattlane deposit`, `withdraw`, `balance`: money between L1 and the rollup."""

from __future__ import annotations

from typing import Annotated

import typer

from wattlane.cli.options import (
    DEFAULT_FOLDER,
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
    folder: Folder = DEFAULT_FOLDER,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Move tokens from the wallet's L1 account into its rollup account.

    The first deposit opens the account: the contract gives it its number. The sequencer credits
    it from the L1 queue; nobody can leave it out for long (docs/protocol.md section 6).
    """
    from channels.passphrase import read_passphrase
    from channels.wallet import Wallet
    from contracts.client import RollupClient
    from wattlane.deposits import deposit as deposit_tokens
    from wattlane.money import parse_tokens, show_tokens

    amount_ntok = parse_tokens(amount)
    wallet = Wallet.load(folder, read_passphrase(passphrase_file))
    client = RollupClient(l1, contract, wallet.l1_account)
    done = deposit_tokens(client, wallet.key_hash, amount_ntok)
    account = f"account {done.account_index}" + (", newly opened" if done.opened else "")
    typer.echo(f"{show_tokens(amount_ntok)} tokens deposited into {account}")
    typer.echo(f"queue op {done.op_number}: credited with one of the next batches")
