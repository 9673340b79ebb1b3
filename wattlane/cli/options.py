"""Options that several commands share; each can also come from the environment."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer
from platformdirs import user_data_path

from wattlane.cli.completing import DEFAULT_FOLDER, folders

__all__ = ["DEFAULT_FOLDER"]  # what others look for here

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


def http_url(given: str | None) -> str | None:
    """A URL as typed. Raises BadParameter."""
    if given is not None and not given.startswith(("http://", "https://")):
        raise typer.BadParameter(f"{given!r} is no http:// or https:// URL")
    return given


def checked_address(given: str | None) -> str | None:
    """An address in its checksummed form. Raises BadParameter, also for a wrong checksum."""
    if given is None:
        return None
    if not _ADDRESS.fullmatch(given):
        raise typer.BadParameter(f"{given!r} is no address: 0x and 40 hexadecimal digits")
    from eth_utils.address import to_checksum_address

    checksummed = str(to_checksum_address(given.lower()))
    if given[2:] not in (given[2:].lower(), given[2:].upper(), checksummed[2:]):
        raise typer.BadParameter(f"{given!r} has a wrong checksum: a typing error?")
    return checksummed


def host_and_port(given: str) -> tuple[str, int]:
    """HOST:PORT as typed. Raises BadParameter."""
    host, colon, port = given.rpartition(":")
    if not colon or not host or not (port.isascii() and port.isdigit()) or int(port) >= 1 << 16:
        raise typer.BadParameter(f"{given!r} is no HOST:PORT")
    return host.strip("[]"), int(port)


def scheduler_address(given: str | None) -> str | None:
    """tcp://HOST:PORT or tls://HOST:PORT as typed. Raises BadParameter."""
    if given is None:
        return None
    scheme, separator, place = given.partition("://")
    if not separator or scheme not in ("tcp", "tls"):
        raise typer.BadParameter(f"{given!r} is no tcp://HOST:PORT (or tls://HOST:PORT)")
    host_and_port(place)
    return given


def peer_address(given: str) -> tuple[int, str]:
    """ACCOUNT=ws://HOST:PORT as typed. Raises BadParameter."""
    index, _, url = given.partition("=")
    if not (index.isascii() and index.isdigit()) or not url.startswith(("ws://", "wss://")):
        raise typer.BadParameter(f"{given!r} is not ACCOUNT=ws://HOST:PORT")
    return int(index), url


Folder = Annotated[
    Path,
    typer.Option(
        "--folder",
        envvar="WATTLANE_FOLDER",
        help="Folder of the home: its wallet and its node's records.",
        autocompletion=folders,
    ),
]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        envvar="WATTLANE_PASSPHRASE_FILE",
        help="File with the wallet's passphrase (mode 600). Without it: WATTLANE_PASSPHRASE, "
        "or a prompt. Never an argument: other users can read those.",
    ),
]
L1Url = Annotated[
    str,
    typer.Option(
        "--l1",
        envvar="WATTLANE_L1",
        callback=http_url,
        help="URL of your own L1 node (JSON-RPC).",
    ),
]
ContractAddress = Annotated[
    str,
    typer.Option(
        "--contract",
        envvar="WATTLANE_CONTRACT",
        callback=checked_address,
        help="Address of the rollup contract on L1.",
    ),
]
MaybeContract = Annotated[
    str | None,
    typer.Option(
        "--contract",
        envvar="WATTLANE_CONTRACT",
        callback=checked_address,
        help="Address of the rollup contract; without it, what the sequencer says at first.",
    ),
]
SequencerUrl = Annotated[
    str,
    typer.Option(
        "--sequencer",
        envvar="WATTLANE_SEQUENCER",
        callback=http_url,
        help="URL of the sequencer.",
    ),
]
MaybeSequencer = Annotated[
    str | None,
    typer.Option(
        "--sequencer",
        envvar="WATTLANE_SEQUENCER",
        callback=http_url,
        help="Also ask this sequencer, and compare.",
    ),
]
Confirmations = Annotated[
    int | None,
    typer.Option(
        "--confirmations",
        envvar="WATTLANE_CONFIRMATIONS",
        min=0,
        help="Blocks on top of one that make it final, for development chains. "
        "Without it: what the L1 itself calls finalized.",
    ),
]
FromBlock = Annotated[
    int,
    typer.Option(
        "--from-block",
        envvar="WATTLANE_FROM_BLOCK",
        min=0,
        help="L1 block from which to read: any one before the contract was deployed. A late one "
        "saves time on a long chain.",
    ),
]
DATA_MODES = ("calldata", "blob")


def data_mode(given: str | None) -> str | None:
    """calldata or blob, as typed. Raises BadParameter."""
    if given is not None and given not in DATA_MODES:
        raise typer.BadParameter(f"{given!r}: choose {' or '.join(DATA_MODES)}")
    return given


def log_format_name(given: str) -> str:
    """text or json."""
    if given not in ("text", "json"):
        raise typer.BadParameter(f"{given!r} is neither text nor json")
    return given


DataMode = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="calldata|blob",
        callback=data_mode,
        help="Where batches put their data on L1: into calldata, kept for ever, or into blobs, "
        "which cost next to nothing and are dropped after 18 days (see `wattlane archive`).",
    ),
]
Archive = Annotated[
    Path | None,
    typer.Option(
        "--archive",
        envvar="WATTLANE_ARCHIVE",
        help="Folder of archived blobs (see `wattlane archive`), asked first; what is found "
        "elsewhere is kept there.",
    ),
]
BlobSequencer = Annotated[
    str | None,
    typer.Option(
        "--sequencer",
        envvar="WATTLANE_SEQUENCER",
        callback=http_url,
        help="Also look for blobs at this sequencer. It is not trusted: L1 has their hashes.",
    ),
]
Beacon = Annotated[
    str | None,
    typer.Option(
        "--beacon",
        envvar="WATTLANE_BEACON",
        callback=http_url,
        help="URL of a beacon node that serves blobs, 18 days long. Without it, the L1 node's URL "
        "is asked: development chains serve them there.",
    ),
]
DEFAULT_CHECKPOINTS = user_data_path("wattlane") / "checkpoints"
Checkpoints = Annotated[
    Path,
    typer.Option(
        "--checkpoints",
        envvar="WATTLANE_CHECKPOINTS",
        help="Folder of states that were final on L1: the next time goes on from there.",
    ),
]
Cluster = Annotated[
    str | None,
    typer.Option(
        "--prover",
        envvar="WATTLANE_PROVER",
        metavar="tcp://HOST:PORT",
        callback=scheduler_address,
        help="Prove on the workers of this Dask scheduler (see `wattlane prover worker --help`). "
        "Without it: on this machine.",
    ),
]
