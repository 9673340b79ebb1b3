"""`wattlane sequencer`: become the operator of a rollup, and run it."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from platformdirs import user_data_path

from wattlane.cli.options import (
    Archive,
    Beacon,
    Cluster,
    Confirmations,
    DataMode,
    L1Url,
    PassphraseFile,
    checked_address,
    host_and_port,
    log_format_name,
    scheduler_address,
)

app = typer.Typer(no_args_is_help=True, help="Set up and run the sequencer of a rollup.")

DEFAULT_SEQUENCER_FOLDER = user_data_path("wattlane") / "sequencer"
Folder = Annotated[
    Path,
    typer.Option(
        "--folder",
        envvar="WATTLANE_SEQUENCER_FOLDER",
        help="The sequencer's folder: settings, keystore and database.",
    ),
]
Contract = Annotated[
    str | None,
    typer.Option(
        "--contract",
        callback=checked_address,
        help="Serve this rollup contract. Without it, a new one is deployed.",
    ),
]
Token = Annotated[
    str | None,
    typer.Option(
        "--token",
        callback=checked_address,
        help="The ERC-20 to settle in. Without it, a test token is deployed with the contract.",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=1,
        max=64,
        help="Processes that take transactions, beside the one that makes batches; 1 is both.",
    ),
]
LogAs = Annotated[
    str,
    typer.Option(
        "--log-format",
        metavar="text|json",
        callback=log_format_name,
        help="How the log on stderr looks: text for people, or a JSON object a line.",
    ),
]
Listen = Annotated[
    str | None, typer.Option("--listen", help="HOST:PORT of the HTTP API; port 0 takes any.")
]


@app.command()
def init(
    l1: L1Url,
    folder: Folder = DEFAULT_SEQUENCER_FOLDER,
    contract: Contract = None,
    token: Token = None,
    confirmations: Confirmations = None,
    passphrase_file: PassphraseFile = None,
    data: DataMode = None,
    archive: Archive = None,
    beacon: Beacon = None,
) -> None:
    """Make keystore, contract, operator's account, settings and database.

    The operator's L1 key is taken from WATTLANE_L1_KEY, or made new; it needs ether. Interrupted?
    Run it again: what was done is not done twice. The first time it also makes the proving keys.
    """
    from channels.passphrase import read_passphrase
    from prover.exit_key import exit_key
    from prover.groth16.keys import VerifyingKey
    from sequencer.bootstrap import InitRequest, initialise
    from wattlane.cli.progress import shown_progress
    from wattlane.proving import open_prover

    passphrase = read_passphrase(passphrase_file, new=True)
    request = InitRequest(
        folder=folder,
        l1_url=l1,
        contract=contract,
        token=token,
        l1_private_key=_private_key(),
        confirmations=confirmations,
        options=_blobs(data, archive, beacon),
    )

    def key() -> VerifyingKey:
        with shown_progress() as progress:
            return exit_key(progress=progress).verifying_key

    with shown_progress() as progress:
        prover = open_prover(progress)
    try:
        settings = initialise(request, passphrase, prover, key, typer.echo)
    finally:
        prover.close()
    typer.echo(f"ready: `wattlane sequencer run --folder {settings.folder}`")


@app.command()
def run(
    folder: Folder = DEFAULT_SEQUENCER_FOLDER,
    listen: Listen = None,
    workers: Workers = None,
    passphrase_file: PassphraseFile = None,
    prover: Cluster = None,
    data: DataMode = None,
    archive: Archive = None,
    beacon: Beacon = None,
    log_format: LogAs = "text",
) -> None:
    """Serve transactions, prove batches and submit them, until Ctrl-C or SIGTERM.

    Killed at any moment it loses nothing that it has answered for; start it again.
    """
    from channels.passphrase import read_passphrase
    from sequencer.daemon import run_sequencer
    from sequencer.log import LogFormat
    from sequencer.settings import load_settings
    from sequencer.supervisor import run_supervised
    from wattlane.cli.progress import shown_progress
    from wattlane.operating import parts_of

    given = {**_listening(listen), **_proving(prover), **_blobs(data, archive, beacon)}
    settings = load_settings(folder, **given, **_working(workers))
    scheduler_address(settings.prover)
    passphrase = read_passphrase(passphrase_file)

    def ready(url: str) -> None:
        typer.echo(f"listening on {url}")

    if settings.api_workers > 1:
        make = partial(parts_of, settings.model_dump())
        run_supervised(settings, passphrase, make, ready, LogFormat(log_format))
        return
    with shown_progress() as progress:
        parts = parts_of(settings.model_dump(), progress)
    run_sequencer(
        settings,
        passphrase,
        parts.prover,
        ready,
        exit_key=parts.exit_key,
        verify=parts.verify,
        log_format=LogFormat(log_format),
    )


def _working(workers: int | None) -> dict[str, object]:
    return {} if workers is None else {"api_workers": workers}


def _private_key() -> bytes | None:
    given = os.environ.get("WATTLANE_L1_KEY")
    if not given:
        return None
    try:
        return bytes.fromhex(given.removeprefix("0x"))
    except ValueError:
        raise typer.BadParameter("WATTLANE_L1_KEY holds no private key") from None


def _listening(listen: str | None) -> dict[str, object]:
    if listen is None:
        return {}
    host, port = host_and_port(listen)
    return {"listen_host": host, "listen_port": port}


def _blobs(data: str | None, archive: Path | None, beacon: str | None) -> dict[str, object]:
    given = {"data_mode": data, "archive_folder": archive, "beacon_url": beacon}
    return {name: value for name, value in given.items() if value is not None}


def _proving(prover: str | None) -> dict[str, object]:
    return {} if prover is None else {"prover": prover}
