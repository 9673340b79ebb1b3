"""`wattlane keys`: the proving keys of the batch circuit and the exit circuit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from prover.groth16 import VerifyingKey

app = typer.Typer(no_args_is_help=True, help="The proving keys of the batch and exit circuits.")


@app.command()
def setup() -> None:
    """Compile the prover's kernels and make both circuits' development keys, once a machine.

    INSECURE: whoever makes a key alone could forge proofs with what it was made from. It serves
    development and demos; a key for real money comes from a ceremony of many parties.
    """
    from prover.circuits.batch import DEFAULT_SHAPE
    from prover.circuits.exit import exit_circuit
    from prover.exit_key import exit_key, exit_key_file
    from prover.jobs import BatchProver
    from wattlane.cli.progress import shown_progress

    with shown_progress() as progress:
        prover = BatchProver(DEFAULT_SHAPE, progress=progress)
        prover.setup()
        exits = exit_key(progress=progress)
        file = exit_key_file(exits)
    shape = prover.shape
    typer.echo(
        f"batch circuit  {shape.queue_slots} queue slots and {shape.user_slots} user slots, "
        f"{prover.constraints:,} constraints"
    )
    typer.echo(f"verifying key  {_named(prover.verifying_key)}")
    typer.echo(f"exit circuit   {exit_circuit().r1cs.n_constraints:,} constraints")
    typer.echo(f"verifying key  {_named(exits.verifying_key)}")
    typer.echo(f"to keep        {file} ({file.stat().st_size / 1e6:.1f} MB)")


def _named(key: VerifyingKey) -> str:
    kind = "INSECURE DEVELOPMENT KEY" if key.insecure else "ceremony key"
    return f"{key.digest().hex()} ({kind})"
