"""`wattlane setup`, `prove` and `verify`: the prover on files, for any circuit of BLS12-381."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

import typer

CircuitFile = Annotated[Path, typer.Argument(metavar="CIRCUIT.r1cs", exists=True, dir_okay=False)]
KeyFile = Annotated[Path, typer.Argument(metavar="KEY.zkey", exists=True, dir_okay=False)]
NewKeyFile = Annotated[Path, typer.Argument(metavar="KEY.zkey", dir_okay=False)]
WitnessFile = Annotated[Path, typer.Argument(metavar="WITNESS.wtns", exists=True, dir_okay=False)]
Tau = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        metavar="FILE.ptau",
        help="Begin from these powers of tau; the key then needs a contribution of each party.",
    ),
]
VerifyingKeyOut = Annotated[
    Path | None,
    typer.Option(dir_okay=False, metavar="FILE.json", help="Write the verifying key here, too."),
]
Force = Annotated[bool, typer.Option("--force", help="Replace a key that is there already.")]
ProofOut = Annotated[Path, typer.Option(dir_okay=False, help="Where the proof goes.")]
PublicOut = Annotated[Path, typer.Option(dir_okay=False, help="Where the public inputs go.")]
VerifyingKeyIn = Annotated[
    Path, typer.Argument(metavar="VERIFICATION_KEY.json", exists=True, dir_okay=False)
]
PublicIn = Annotated[Path, typer.Argument(metavar="PUBLIC.json", exists=True, dir_okay=False)]
ProofIn = Annotated[Path, typer.Argument(metavar="PROOF.json", exists=True, dir_okay=False)]


def setup(
    circuit: CircuitFile,
    key: NewKeyFile,
    ptau: Tau = None,
    verifying_key: VerifyingKeyOut = None,
    force: Force = False,
) -> None:
    """Make a proving key for a circuit: CIRCUIT.r1cs -> KEY.zkey.

    Without --ptau the key is made here from fresh randomness and is an INSECURE DEVELOPMENT KEY:
    whoever runs this could forge proofs. With --ptau it is the first key of a ceremony, the same
    that `snarkjs groth16 setup` makes; go on with `snarkjs zkey contribute` (docs/ceremony.md).

    CIRCUIT.r1cs comes from circom: circom2 NAME.circom --r1cs --wasm --prime bls12381
    """
    from prover.groth16.setup import setup as setup_system
    from prover.iden3.json_files import write_verification_key
    from prover.iden3.ptau import open_ptau
    from prover.iden3.r1cs import read_r1cs
    from prover.iden3.setup_from_ptau import setup_from_ptau
    from prover.iden3.zkey import open_zkey
    from prover.iden3.zkey_write import write_zkey
    from prover.kernels import warm
    from wattlane.cli.progress import shown_progress

    outputs = [key] if verifying_key is None else [key, verifying_key]
    must_be_apart(circuit, *outputs)
    for path in outputs:
        must_be_new(path, force)
    with shown_progress() as progress:
        warm(progress)
        system = read_r1cs(circuit)
        if ptau is None:
            entropy = secrets.token_bytes(32)
            write_zkey(key, setup_system(system, entropy=entropy, progress=progress), system)
        else:
            setup_from_ptau(key, system, open_ptau(ptau), progress)
    made = open_zkey(key).verifying_key
    if verifying_key is not None:
        write_verification_key(verifying_key, made)
    typer.echo(f"constraints    {system.n_constraints:,}, {system.n_public} public inputs")
    kind = "INSECURE DEVELOPMENT KEY" if ptau is None else "INSECURE until others contribute"
    typer.echo(f"verifying key  {made.digest().hex()} ({kind})")
    typer.echo(f"wrote          {key}")


def must_be_new(path: Path, force: bool) -> None:
    """Raise BadChoice where a file would be replaced that nobody said should be."""
    from wattlane.errors import BadChoice

    if path.exists() and not force:
        raise BadChoice(f"{path} is there already: name another file, or replace it with --force")


def must_be_apart(given: Path, *outputs: Path) -> None:
    """Raise BadChoice where two files are one, or an output's folder does not exist."""
    from wattlane.errors import BadChoice

    seen = {given.resolve()}
    for path in outputs:
        if path.resolve() in seen:
            raise BadChoice(f"{path} cannot be two things: name another file for one of them")
        if not path.resolve().parent.is_dir():
            raise BadChoice(f"{path} cannot be written: make the folder {path.parent} first")
        seen.add(path.resolve())


def prove(
    key: KeyFile,
    witness: WitnessFile,
    proof: ProofOut = Path("proof.json"),
    public: PublicOut = Path("public.json"),
) -> None:
    """Make a proof: KEY.zkey, WITNESS.wtns -> proof.json, public.json.

    The proof is verified before it is written. snarkjs reads and verifies it too.
    """
    from prover.curves.fr import to_ints
    from prover.iden3.json_files import write_proof, write_public
    from prover.iden3.wtns import read_wtns
    from prover.iden3.zkey import open_zkey, prove_from_zkey
    from prover.kernels import warm
    from wattlane.cli.progress import shown_progress

    must_be_apart(key, proof, public)
    must_be_apart(witness, proof, public)
    with shown_progress() as progress:
        warm(progress)
        opened, values = open_zkey(key), read_wtns(witness)
        made = prove_from_zkey(opened, values, entropy=secrets.token_bytes(32), progress=progress)
    publics = to_ints(values[1 : opened.n_public + 1])
    write_public(public, publics)
    write_proof(proof, made)
    typer.echo(f"wrote {proof} and {public}: a proof for {len(publics)} public inputs")
    if opened.verifying_key.insecure:
        typer.echo("made with an INSECURE key: whoever made it could forge proofs", err=True)


def verify(key: VerifyingKeyIn, public: PublicIn, proof: ProofIn) -> None:
    """Verify a proof; exit 0 if it holds, 1 if not: VERIFICATION_KEY.json PUBLIC.json PROOF.json.

    Both libraries look at it, py_arkworks and py_ecc, which share no code; all points are checked
    to be on their curves and in their subgroups, all inputs to be below r.
    """
    from prover.groth16 import verify_arkworks, verify_py_ecc
    from prover.iden3.json_files import read_proof, read_public, read_verification_key

    verifying_key, publics, given = (
        read_verification_key(key),
        read_public(public),
        read_proof(proof),
    )
    verify_arkworks(verifying_key, publics, given)
    verify_py_ecc(verifying_key, publics, given)
    typer.echo("the proof holds")
    if verifying_key.insecure:
        typer.echo("but its key is INSECURE: one party made it and could forge proofs", err=True)
