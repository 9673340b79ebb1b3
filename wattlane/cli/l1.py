"""`wattlane l1 dev`: a development L1 with the contracts on it, kept between runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from platformdirs import user_data_path

from wattlane.cli.options import checked_address

app = typer.Typer(no_args_is_help=True, help="A development L1.")

DEFAULT_L1_FOLDER = user_data_path("wattlane") / "l1"
Folder = Annotated[
    Path, typer.Option("--folder", help="Where the chain's state and the addresses are kept.")
]
Port = Annotated[int, typer.Option("--port", min=0, max=65_535, help="0 takes any free port.")]
Fund = Annotated[
    list[str] | None,
    typer.Option(
        "--fund",
        callback=lambda given: [checked_address(one) for one in given or []],
        help="Give 1 ether and 100 test tokens to this address; may be repeated.",
    ),
]


@app.command()
def dev(folder: Folder = DEFAULT_L1_FOLDER, port: Port = 8545, fund: Fund = None) -> None:
    """Run anvil with its state kept in a folder, the test token and the rollup deployed.

    The operator of that rollup is the development account whose key is shown: give it to
    `wattlane sequencer init` in WATTLANE_L1_KEY. Everyone knows these keys: no real money.
    """
    from prover.circuits.batch import DEFAULT_SHAPE
    from prover.exit_key import exit_key
    from prover.groth16.keys import VerifyingKey
    from prover.jobs import BatchProver
    from wattlane.cli.progress import shown_progress
    from wattlane.l1_dev import run

    def keys() -> tuple[VerifyingKey, VerifyingKey]:
        with shown_progress() as progress:
            prover = BatchProver(DEFAULT_SHAPE, progress=progress)
            prover.setup()
            return prover.verifying_key, exit_key(progress=progress).verifying_key

    run(folder, port, DEFAULT_SHAPE, keys, fund or [], typer.echo)
