"""All commands under one name."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from wattlane.cli import (
    account,
    archive,
    bill,
    ceremony,
    channel,
    demo,
    doctor,
    force,
    groth16,
    keys,
    l1,
    leave,
    market,
    meter,
    node,
    prover,
    rebuild,
    receipt,
    rescue,
    sequencer,
    service,
    status,
    tower,
    verify,
    wallet,
)

app = typer.Typer(
    name="wattlane",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Neighbours pay each other for solar power: payment channels inside a rollup whose every "
    "batch an L1 contract accepts only with a validity proof. Begin with `wattlane demo`.",
)


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(f"wattlane {version('wattlane')}")
        raise typer.Exit


@app.callback()
def _wattlane(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", callback=_say_version, is_eager=True
        ),
    ] = False,
) -> None:
    pass


app.command()(demo.demo)
app.add_typer(wallet.app, name="wallet")
app.add_typer(node.app, name="node")
sequencer.app.command()(rescue.rescue)
app.add_typer(sequencer.app, name="sequencer")
app.add_typer(keys.app, name="keys")
app.add_typer(prover.app, name="prover")
app.add_typer(l1.app, name="l1")
app.add_typer(channel.app, name="channel")
app.add_typer(force.app, name="force")
app.add_typer(tower.app, name="tower")
app.add_typer(service.app, name="service")
app.add_typer(receipt.app, name="receipt")
app.add_typer(bill.app, name="bill")
app.add_typer(market.app, name="market")
app.add_typer(meter.app, name="meter")
app.command()(account.deposit)
app.command()(account.withdraw)
app.command()(account.balance)
app.command()(doctor.doctor)
app.command()(status.status)
app.command("exit")(leave.leave)
app.command("verify-batch")(verify.verify_batch)
app.command("archive")(archive.keep_blobs)
app.command()(rebuild.rebuild)
app.command(rich_help_panel="The prover on files")(groth16.setup)
app.command(rich_help_panel="The prover on files")(groth16.prove)
app.command(rich_help_panel="The prover on files")(groth16.verify)
app.add_typer(ceremony.app, name="ceremony", rich_help_panel="The prover on files")
