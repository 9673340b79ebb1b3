"""`wattlane ceremony`: the second phase of a ceremony, for any circuit, beside snarkjs or alone."""

from __future__ import annotations

import secrets
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wattlane.cli.groth16 import CircuitFile, Force, must_be_new

if TYPE_CHECKING:
    from prover.r1cs.system import R1CS

app = typer.Typer(
    no_args_is_help=True,
    help="A key that nobody can forge with: many parties contribute, one honest one is enough "
    "(docs/ceremony.md).",
)
OldKey = Annotated[Path, typer.Argument(metavar="OLD.zkey", exists=True, dir_okay=False)]
NewKey = Annotated[Path, typer.Argument(metavar="NEW.zkey", dir_okay=False)]
FinalKey = Annotated[Path, typer.Argument(metavar="KEY.zkey", exists=True, dir_okay=False)]
Powers = Annotated[Path, typer.Argument(metavar="POWERS.ptau", exists=True, dir_okay=False)]
NewCircuit = Annotated[Path, typer.Argument(metavar="CIRCUIT.r1cs", dir_okay=False)]
Name = Annotated[str | None, typer.Option(help="Recorded with the contribution, for people.")]
Value = Annotated[str, typer.Option(metavar="HEX", help="Public randomness, such as a block hash.")]
Iterations = Annotated[int, typer.Option(help="log2 of how often the value is hashed.")]


class Which(StrEnum):
    """The circuits that the rollup needs keys for."""

    BATCH = "batch"
    EXIT = "exit"


OfCircuit = Annotated[
    Which, typer.Option("--circuit", help="The rollup has two: of batches, and of exits.")
]


def _system(which: Which) -> R1CS:
    from prover.circuits.batch import DEFAULT_SHAPE, batch_circuit
    from prover.circuits.exit import exit_circuit

    return exit_circuit().r1cs if which is Which.EXIT else batch_circuit(DEFAULT_SHAPE).r1cs


@app.command()
def circuit(path: NewCircuit, which: OfCircuit = Which.BATCH, force: Force = False) -> None:
    """Write a circuit for which the rollup needs a key, as a .r1cs file."""
    from prover.iden3.r1cs import write_r1cs

    must_be_new(path, force)
    system = _system(which)
    write_r1cs(path, system)
    typer.echo(f"constraints    {system.n_constraints:,}, {system.n_public} public inputs")
    typer.echo(f"wrote          {path}")


@app.command()
def contribute(old: OldKey, new: NewKey, name: Name = None, force: Force = False) -> None:
    """Add a contribution from this machine's randomness, which is then forgotten.

    Publish the hash that is printed: it is how others know that yours is in the key.
    """
    from prover.iden3.phase2 import contribute as add
    from prover.iden3.zkey import open_zkey
    from prover.kernels import warm
    from wattlane.cli.progress import shown_progress

    must_be_new(new, force)
    with shown_progress() as progress:
        warm(progress)
        entropy = secrets.token_bytes(64)
        digest = add(open_zkey(old), new, entropy=entropy, name=name, progress=progress)
    typer.echo(f"contribution   {digest.hex()}")
    typer.echo(f"wrote          {new}")


@app.command()
def beacon(
    old: OldKey,
    new: NewKey,
    value: Value,
    iterations: Iterations = 10,
    name: Name = None,
    force: Force = False,
) -> None:
    """Add the last contribution, from public randomness that nobody could know before."""
    from prover.iden3.contributions import Beacon
    from prover.iden3.phase2 import apply_beacon, check_beacon
    from prover.iden3.zkey import open_zkey
    from prover.kernels import warm
    from wattlane.cli.progress import shown_progress
    from wattlane.errors import BadChoice

    must_be_new(new, force)
    try:
        given = Beacon(bytes.fromhex(value), iterations)
    except ValueError as error:
        raise BadChoice(f"the beacon's value is not hexadecimal: {value[:80]}") from error
    check_beacon(given)
    with shown_progress() as progress:
        warm(progress)
        digest = apply_beacon(open_zkey(old), new, given, name=name, progress=progress)
    typer.echo(f"contribution   {digest.hex()}")
    typer.echo(f"wrote          {new}")


@app.command()
def check(circuit: CircuitFile, powers: Powers, key: FinalKey) -> None:
    """Check that a key is the circuit's, and that every recorded contribution is in it.

    All of the key is made again from the circuit and the powers of tau. Check those by
    `snarkjs powersoftau verify`, and the hashes below against what the contributors published.
    """
    from prover.iden3.ptau import open_ptau
    from prover.iden3.r1cs import read_r1cs
    from prover.iden3.verify_ceremony import verify_ceremony
    from prover.iden3.zkey import open_zkey
    from prover.kernels import warm
    from wattlane.cli.progress import shown_progress

    with shown_progress() as progress:
        warm(progress)
        opened = open_zkey(key)
        verify_ceremony(opened, read_r1cs(circuit), open_ptau(powers), progress)
    for number, each in enumerate(opened.ceremony.contributions, start=1):
        by = _shown(each.name) if each.name else "no name"
        what = by if each.beacon is None else f"{by}: beacon {each.beacon.value.hex()}"
        typer.echo(f"contribution {number}   {each.digest().hex()} ({what})")
    typer.echo(f"circuit hash   {opened.ceremony.circuit_hash.hex()}")
    typer.echo(f"verifying key  {opened.verifying_key.digest().hex()}")
    if opened.verifying_key.insecure:
        typer.echo("right, but INSECURE: no party has contributed yet", err=True)
    else:
        typer.echo("the key is right")


@app.command("import")
def import_(key: FinalKey, which: OfCircuit = Which.BATCH) -> None:
    """Prove with a ceremony's key from now on: KEY.zkey goes into the cache.

    A contract keeps the keys that it was deployed with.
    """
    from prover.cache import user_cache
    from prover.exit_key import import_exit_key
    from prover.iden3.ceremony import import_key
    from prover.iden3.zkey import open_zkey

    opened = open_zkey(key)
    if which is Which.EXIT:
        stored = import_exit_key(opened)
    else:
        stored = import_key(opened, _system(which), user_cache())
    typer.echo(f"verifying key  {opened.verifying_key.digest().hex()} (ceremony key)")
    typer.echo(f"stored in      {stored}")


def _shown(name: str) -> str:
    """A name of a foreign file without lines and controls that could fake others' hashes."""
    return "".join(character if character.isprintable() else "?" for character in name)
