"""`wattlane doctor`: what is wrong with a home, one line each, and how to mend it."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from wattlane.cli.node import Listen, OwnL1, OwnSequencer, Peers, RelayChoice, Towers
from wattlane.cli.options import (
    DEFAULT_FOLDER,
    Confirmations,
    Folder,
    MaybeContract,
    PassphraseFile,
    peer_address,
)

_WIDE = 12


def doctor(
    l1: OwnL1 = None,
    sequencer: OwnSequencer = None,
    contract: MaybeContract = None,
    folder: Folder = DEFAULT_FOLDER,
    listen: Listen = None,
    peer: Peers = None,
    confirmations: Confirmations = None,
    towers: Towers = None,
    relay: RelayChoice = None,
    passphrase_file: PassphraseFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list instead.")] = False,
) -> None:
    """Check a home from disk to neighbours: ok, warning or problem, and what to do about it.

    The node may run or not, and half of it may be broken: every check stands alone and answers in
    time. Exit status 1 if there is a problem. Changes nothing.
    """
    from wattlane.doctor.checks import CHECKS
    from wattlane.doctor.home import Home
    from wattlane.doctor.report import Level, run

    options: dict[str, object] = {
        "l1": l1,
        "sequencer": sequencer,
        "contract": contract,
        "listen": listen,
        "peers": None if peer is None else dict(peer_address(one) for one in peer),
        "confirmations": confirmations,
        "towers": towers,
        "relay": relay,
        "passphrase_file": passphrase_file,
    }
    answers = run(CHECKS, Home(folder, options))
    if as_json:
        rows = [
            {
                "check": one.name,
                "level": str(one.finding.level),
                "said": one.finding.said,
                "mend": one.finding.mend,
            }
            for one in answers
        ]
        typer.echo(json.dumps(rows, indent=1))
    else:
        for one in answers:
            mend = f"; {one.finding.mend}" if one.finding.mend else ""
            typer.echo(f"{one.finding.level:<8} {one.name:<{_WIDE}} {one.finding.said}{mend}")
    if any(one.finding.level is Level.PROBLEM for one in answers):
        raise typer.Exit(1)
