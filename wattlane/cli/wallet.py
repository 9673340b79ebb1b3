"""`wattlane wallet`: a home's keys, made once, encrypted on disk."""

from __future__ import annotations

from typing import Annotated

import typer

from wattlane.cli.options import DEFAULT_FOLDER, Folder, PassphraseFile

app = typer.Typer(no_args_is_help=True, help="Make, show and export a home's wallet.")


@app.command()
def new(folder: Folder = DEFAULT_FOLDER, passphrase_file: PassphraseFile = None) -> None:
    """Make a wallet: one Jubjub key for the rollup and one L1 account, from one recovery phrase.

    The phrase is shown once. Whoever has it owns the money; without it and without the file the
    money is gone. Write it down on paper.
    """
    from channels.passphrase import read_passphrase
    from channels.wallet import Wallet

    wallet, phrase = Wallet.create(folder, read_passphrase(passphrase_file, new=True))
    typer.echo(f"wallet       {wallet.path}")
    typer.echo(f"L1 address   {wallet.l1_address}")
    typer.echo(f"key hash     {wallet.key_hash:#066x}")
    typer.echo(f"recovery phrase (write it down, keep it secret):\n  {phrase}")


@app.command()
def restore(
    key_number: Annotated[
        int,
        typer.Option(
            "--key-number", min=0, help="How often `wattlane force key` replaced its key."
        ),
    ] = 0,
    folder: Folder = DEFAULT_FOLDER,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make the wallet of a recovery phrase again; the phrase is read from the terminal or stdin."""
    from channels.passphrase import read_passphrase
    from channels.wallet import Wallet

    phrase = typer.prompt("Recovery phrase", hide_input=True, prompt_suffix=": ")
    passphrase = read_passphrase(passphrase_file, new=True)
    wallet = Wallet.restore(folder, phrase, passphrase, key_number)
    typer.echo(f"wallet       {wallet.path}")
    typer.echo(f"L1 address   {wallet.l1_address}")


@app.command()
def show(folder: Folder = DEFAULT_FOLDER) -> None:
    """Show what is public of the wallet: L1 address and key hash. Needs no passphrase."""
    from channels.wallet import Wallet

    public = Wallet.show(folder)
    typer.echo(f"L1 address   {public['l1_address']}")
    typer.echo(f"key hash     {public['key_hash']}")


@app.command()
def export(folder: Folder = DEFAULT_FOLDER, passphrase_file: PassphraseFile = None) -> None:
    """Show the recovery phrase again. Whoever reads it owns the money."""
    from channels.passphrase import read_passphrase
    from channels.wallet import Wallet

    typer.echo(Wallet.export(folder, read_passphrase(passphrase_file)))
