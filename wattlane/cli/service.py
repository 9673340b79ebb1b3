"""`wattlane service`: run node, sequencer, watchtower or market under systemd."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from wattlane.errors import BadChoice
from wattlane.service_units import UNITS, USER, Service, Unit, unit_of

app = typer.Typer(
    no_args_is_help=True, help="Run a node, a sequencer, a tower or a market under systemd."
)

Which = Annotated[Service, typer.Argument(help="node, sequencer, tower or market.")]
Folder = Annotated[
    Path | None,
    typer.Option("--folder", help="Its folder. Without it: /var/lib/wattlane/SERVICE."),
]
Options = Annotated[
    list[str] | None,
    typer.Argument(help="Options of `wattlane SERVICE run`, behind --; better in its settings."),
]
User = Annotated[str, typer.Option("--user", help="The system's user that it runs as.")]


@app.command("print")
def print_unit(
    service: Which, options: Options = None, folder: Folder = None, user: User = USER
) -> None:
    """Print the unit; what to do before it starts, and for a market after, goes to stderr."""
    unit = _unit(service, folder, options, user)
    typer.echo(unit.text, nl=False)
    _tell_before(unit)


@app.command()
def install(
    service: Which,
    options: Options = None,
    folder: Folder = None,
    user: User = USER,
    units: Annotated[Path, typer.Option("--units", help="Where the unit is written.")] = UNITS,
) -> None:
    """Write the unit where systemd finds it; says what is left to do. Starts nothing."""
    unit = _unit(service, folder, options, user)
    path = units / unit.name
    beside = path.with_name(path.name + ".new")
    try:
        beside.write_text(unit.text)
        beside.chmod(0o644)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise BadChoice(f"{path} cannot be written ({error.strerror}); run it as root") from error
    typer.echo(f"written      {path}")
    _tell_before(unit)


def _unit(service: Service, folder: Path | None, options: list[str] | None, user: str) -> Unit:
    return unit_of(service, _program(), folder, tuple(options or ()), user, _installation())


def _installation() -> tuple[Path, ...]:
    """Where this very program lies: its environment, its interpreter and its modules."""
    return Path(sys.prefix), Path(sys.executable).resolve(), Path(__file__).resolve()


def _program() -> Path:
    """The `wattlane` command of this very installation."""
    beside = Path(sys.executable).with_name("wattlane")
    if os.access(beside, os.X_OK):
        return beside
    found = shutil.which("wattlane")
    if found is None:
        raise BadChoice("the command `wattlane` is not installed: pip install it first")
    return Path(found).absolute()


def _tell_before(unit: Unit) -> None:
    typer.echo("to do, as root:", err=True)
    for step in unit.before:
        typer.echo(f"  {step}", err=True)
