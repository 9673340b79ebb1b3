"""`wattlane keys`: the proving key of the batch circuit."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True, help="The proving key of the batch circuit.")


@app.command()
def setup() -> None:
    """Compile the prover's kernels and make the circuit's development key, once a machine.

    INSECURE: whoever makes a key alone could forge proofs with what it was made from. It serves
    development and demos; a key for real money comes from a ceremony of many parties.
    """
    from prover.circuits.batch import DEFAULT_SHAPE
    from prover.jobs import BatchProver
    from wattlane.cli.progress import shown_progress

    with shown_progress() as progress:
        prover = BatchProver(DEFAULT_SHAPE, progress=progress)
        prover.setup()
    shape = prover.shape
    typer.echo(f"circuit        {shape.queue_slots} queue slots and {shape.user_slots} user slots")
    typer.echo(f"constraints    {prover.constraints:,}")
    kind = "INSECURE DEVELOPMENT KEY" if prover.verifying_key.insecure else "ceremony key"
    typer.echo(f"verifying key  {prover.verifying_key.digest().hex()} ({kind})")
