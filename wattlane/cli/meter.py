"""`wattlane meter`: a meter that signs what it shows, and the records that the household keeps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wattlane.cli.completing import folders
from wattlane.cli.options import DEFAULT_FOLDER, http_url
from wattlane.home_folder import meter_in

if TYPE_CHECKING:
    from datetime import date

    from energy.community.members import Member
    from energy.meters.signing import MeterSigner

app = typer.Typer(
    no_args_is_help=True,
    help="Sign what a meter shows, keep the records, and show one of them alone. All of it stays "
    "in this folder but what you share.",
)

MeterFolder = Annotated[
    Path,
    typer.Option(
        "--folder",
        envvar="WATTLANE_METER_FOLDER",
        help="Folder of one meter: its key, its settings (meter.toml), its records.",
        autocompletion=folders,
    ),
]
MeterPassphrase = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        envvar="WATTLANE_PASSPHRASE_FILE",
        help="File with the key's passphrase (mode 600), if the key has one. Without it: "
        "WATTLANE_PASSPHRASE, or a prompt.",
    ),
]
Day = Annotated[str, typer.Argument(metavar="DAY", help="A day such as 2026-06-17.")]
Number = Annotated[int, typer.Argument(metavar="NUMBER", help="A reading, by its sequence.")]
Out = Annotated[Path | None, typer.Option("--out", help="The file to write.")]
MadeAt = Annotated[
    str | None,
    typer.Option(help="Sign it for such a time (2026-06-18T09:00Z) of a replayed day, not now."),
]
_FOLDER = meter_in(DEFAULT_FOLDER)


@app.command()
def init(
    folder: MeterFolder = _FOLDER,
    zone: Annotated[str, typer.Option("--zone", help="Its zone, such as Europe/Berlin.")] = "UTC",
    import_w: Annotated[
        int, typer.Option("--import-w", min=0, help="The most that its connection takes, W.")
    ] = 17_250,
    export_w: Annotated[
        int, typer.Option("--export-w", min=0, help="The most that its connection gives, W.")
    ] = 17_250,
    locked: Annotated[
        bool,
        typer.Option(
            "--passphrase/--no-passphrase",
            help="Put the key under a passphrase, which every start then needs.",
        ),
    ] = False,
    new_key: Annotated[
        bool,
        typer.Option(
            "--new-key",
            help="A new key for the meter that is here: its name stays, the old key is deleted. "
            "It signs the new one before, and the community's file must name that with the "
            "signature before anyone believes it.",
        ),
    ] = False,
    passphrase_file: MeterPassphrase = None,
) -> None:
    """Make a meter: its key, its name (did:key), and settings to fill in.

    It prints the lines that belong into the community's file. 17,250 W is three phases of 25 A.
    Then say in meter.toml where the readings come from, and start `wattlane meter run`.
    """
    import time
    from datetime import UTC, datetime

    from channels.passphrase import read_passphrase
    from energy.meters import meter_key
    from wattlane.meter_settings import load_meter_file, register_lines, write_meter_file

    before = _signer(folder, passphrase_file) if new_key else None
    passphrase = read_passphrase(passphrase_file, new=True) if locked else None
    settings = write_meter_file(folder, zone, import_w, export_w)
    signer = meter_key.create(folder, passphrase, did=before.did if before else None)
    since = datetime.fromtimestamp(time.time_ns() // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    typer.echo(f"meter    {signer.did}\nkey      {signer.key_id}\nsettings {settings}")
    typer.echo("for the community's file, below the home that it belongs to:")
    typer.echo(f'  [[members.meters]]\n  did = "{signer.did}"\n  key_id = "{signer.key_id}"')
    typer.echo(f"  valid_from = {since}")
    for line in register_lines(load_meter_file(folder)):
        typer.echo(f"  {line}")
    if before is not None:
        typer.echo(f'  handed_over = "0x{before.hand_over(signer.key_id).hex()}"')


@app.command()
def run(
    folder: MeterFolder = _FOLDER,
    market: Annotated[
        str | None,
        typer.Option(
            "--market",
            envvar="WATTLANE_MARKET",
            callback=http_url,
            help="URL of the community's market: it is sent the signed records that it needs, "
            "without their raw bytes, and the roots of days. Without it nothing leaves the folder.",
        ),
    ] = None,
    passphrase_file: MeterPassphrase = None,
) -> None:
    """Record the source that meter.toml names: sign, check, keep, and share if asked to.

    It ends where a file does, and otherwise at Ctrl-C. A sample that others would refuse is refused
    here, with the reason, and nothing of it is kept (exit status 1 at the end). Started again it
    goes on after the last record; a file is then read from its beginning, and what was kept before
    is passed over. With [sun] in meter.toml, more export than the sun allows at that place is told;
    such a reading is kept all the same.
    """
    import asyncio

    from wattlane.meter_run import run_meter
    from wattlane.meter_settings import load_meter_file

    settings = load_meter_file(folder)
    signer = _signer(folder, passphrase_file)
    typer.echo(f"meter {signer.did} records into {folder}")
    done = asyncio.run(run_meter(folder, settings, signer, typer.echo, market))
    shared = f", {done.shared} shared" if market else ""
    again = f", {done.passed_over} kept before" if done.passed_over else ""
    doubted = f", {done.doubted} worth a look" if done.doubted else ""
    typer.echo(f"{done.kept} readings kept, {done.refused} refused{doubted}{again}{shared}")
    if done.refused:
        raise typer.Exit(1)


@app.command()
def correct(
    number: Number,
    import_wh: Annotated[int, typer.Option("--import-wh", min=0, help="What it really stood at.")],
    export_wh: Annotated[int, typer.Option("--export-wh", min=0, help="What it really stood at.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; everyone can read it.")],
    substituted: Annotated[
        bool,
        typer.Option(
            "--substituted/--measured",
            help="Whether the values were put in place of measured ones.",
        ),
    ] = True,
    folder: MeterFolder = _FOLDER,
    out: Out = None,
    market: Annotated[
        str | None,
        typer.Option("--market", envvar="WATTLANE_MARKET", callback=http_url, help="Send it here."),
    ] = None,
    at: MadeAt = None,
    passphrase_file: MeterPassphrase = None,
) -> None:
    """Sign what a reading's registers really stood at. The reading itself is never touched.

    A market adjusts what it has settled by that reading, for as long as its rules take corrections
    (60 days by default). A correction can be corrected again; the same one is handed in again. It
    is kept in the folder, written to --out (FOLDER/NUMBER.correction), and sent on with --market.
    Where less would count of what a neighbour has traded, the market asks for the community's
    signature, too: give its treasurer the file. Stop `wattlane meter run` first.
    """
    import asyncio

    from channels.keystore import write_new
    from energy.meters.recording import correct_reading
    from energy.meters.sample import Quality
    from energy.meters.store import MeterStore
    from wattlane.community_view import parse_moment
    from wattlane.meter_check import meter_in_folder
    from wattlane.meter_run import hand_in, unix_ms
    from wattlane.meter_settings import load_meter_file

    signer = _signer(folder, passphrase_file)
    meter = meter_in_folder(folder, signer.did, load_meter_file(folder))
    with MeterStore(folder, signer.did) as store:
        made = correct_reading(
            store,
            signer,
            meter,
            number,
            (import_wh, export_wh),
            unix_ms() if at is None else parse_moment(at),
            quality=Quality.SUBSTITUTED if substituted else Quality.MEASURED,
            reason=reason,
        )
    path = out or folder / f"{number}.correction"
    write_new(path, made.encoded, replace=True)
    typer.echo(f"correction {made.number} of reading {number}, 0x{made.digest.hex()}, in {path}")
    if market is not None:
        asyncio.run(hand_in(market, made.encoded))
        typer.echo(f"{market} has taken it")


@app.command()
def show(
    folder: MeterFolder = _FOLDER,
    day: Annotated[str | None, typer.Option("--day", help="Show the hours of a day.")] = None,
    reading: Annotated[int | None, typer.Option("--reading", help="Show one record.")] = None,
) -> None:
    """Show a meter's name and newest record, the hours of a day, or one record in full."""
    from energy.meters.store import MeterStore
    from wattlane.meter_settings import load_meter_file
    from wattlane.meter_view import day_lines, meter_lines, reading_lines

    store = MeterStore.for_reading(folder)
    if reading is not None:
        lines = reading_lines(store.kept(reading))
    elif day is not None:
        settings = load_meter_file(folder)
        lines = day_lines(store, _day(day), settings.days_in, settings.register_wh)
    else:
        lines = meter_lines(store)
    for line in lines:
        typer.echo(line)
    store.close()


@app.command()
def verify(
    file: Annotated[
        Path | None,
        typer.Argument(help="A reading that was shown alone; without it, the folder's records."),
    ] = None,
    root: Annotated[
        Path | None,
        typer.Option("--root", help="The day's root as it was given out before (for FILE)."),
    ] = None,
    journal: Annotated[
        Path | None,
        typer.Option("--journal", help="A copy of the market's journal: the root is in it."),
    ] = None,
    community: Annotated[
        Path | None,
        typer.Option("--community", help="The community's file: which keys count, and when."),
    ] = None,
    folder: MeterFolder = _FOLDER,
) -> None:
    """Check a meter's records from the first to the last, or a reading that was shown alone.

    The folder's records: every signature and link, registers, clock and limits, the raw bytes and
    the roots of days. The first that does not follow is named (exit status 1). A FILE from
    `wattlane meter disclose` is held against the root that left the house before the dispute: the
    reading cannot be another than the one that was counted then.
    """
    from energy.community.community_file import load_community
    from wattlane.meter_check import check_shown, read_day, read_disclosure, root_in_journal
    from wattlane.meter_run import unix_ms
    from wattlane.meter_view import shown_lines

    members = None if community is None else load_community(community).members
    if file is None:
        _verify_folder(folder, members)
        return
    shown = read_disclosure(file)
    if journal is not None:
        day = root_in_journal(journal, shown)
    elif root is not None:
        day = read_day(root)
    else:
        raise typer.BadParameter("a FILE needs the day's root, by --root or --journal")
    whose = check_shown(shown, day, members, unix_ms())
    for line in (f"follows: it is in the root of its day, signed by {whose}", *shown_lines(shown)):
        typer.echo(line)


@app.command("day")
def day_root(
    day: Day,
    folder: MeterFolder = _FOLDER,
    out: Out = None,
    passphrase_file: MeterPassphrase = None,
) -> None:
    """Sign the root of a day that is over, to be given out: it says nothing about any reading.

    Whoever has it can later be shown one reading of that day alone, and nobody can show another
    value then. Without --out it is written to DAY.root in the folder.
    """
    from channels.keystore import write_new
    from energy.meters.recording import close_one_day
    from energy.meters.store import MeterStore
    from wattlane.meter_settings import load_meter_file

    settings = load_meter_file(folder)
    signer = _signer(folder, passphrase_file)
    with MeterStore(folder, signer.did) as store:
        made = close_one_day(store, signer, _day(day), settings.days_in)
    path = out or folder / f"{day}.root"
    write_new(path, made.encoded, replace=True)
    typer.echo(f"{made.count} readings, root 0x{made.root.hex()}, written to {path}")


@app.command()
def disclose(
    number: Number,
    folder: MeterFolder = _FOLDER,
    raw: Annotated[
        bool, typer.Option("--raw/--no-raw", help="Show the source's raw bytes too.")
    ] = False,
    out: Out = None,
) -> None:
    """Write one reading with what shows that it is in its day's root, and nothing of any other.

    Without --out it is written to NUMBER.reading in the folder. `wattlane meter verify FILE --root
    ROOT` checks it, anywhere.
    """
    from channels.keystore import write_new
    from energy.meters.recording import show_alone
    from energy.meters.store import MeterStore
    from wattlane.meter_settings import load_meter_file

    store = MeterStore.for_reading(folder)
    shown = show_alone(store, number, load_meter_file(folder).days_in, with_raw=raw)
    store.close()
    path = out or folder / f"{number}.reading"
    write_new(path, shown.encoded, replace=True)
    typer.echo(f"reading {number} of {shown.reading.meter}, written to {path}")


@app.command()
def erase(
    day: Day,
    folder: MeterFolder = _FOLDER,
    keep: Annotated[
        list[int] | None,
        typer.Option("--keep", help="A reading whose salts stay, as it is disputed; repeatable."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase the salts of a day: its root then opens for nobody, also not for you. For good.

    The records themselves stay here. Copies of the folder, and what a disk keeps of overwritten
    blocks, are not reached. Stop `wattlane meter run` first.
    """
    from energy.intervals import day_span
    from energy.meters.store import MeterStore
    from wattlane.meter_settings import load_meter_file

    span = day_span(_day(day), load_meter_file(folder).days_in)
    did = MeterStore.for_reading(folder).did
    if not yes:
        typer.confirm(f"Erase the salts of {day} for good?", abort=True)
    with MeterStore(folder, did) as store:
        gone = store.erase_salts(span, keep or ())
    typer.echo(f"salts of {gone} readings erased")


def _verify_folder(folder: Path, members: tuple[Member, ...] | None) -> None:
    from energy.meters.store import MeterStore
    from wattlane.cli.progress import shown_progress
    from wattlane.meter_check import check_store, meter_in_folder, meter_of_members
    from wattlane.meter_run import unix_ms
    from wattlane.meter_settings import load_meter_file
    from wattlane.meter_view import findings_lines

    store = MeterStore.for_reading(folder)
    if members is None:
        meter = meter_in_folder(folder, store.did, load_meter_file(folder))
    else:
        meter = meter_of_members(store.did, members)[1]
    with shown_progress() as progress:
        found = check_store(store, meter, unix_ms(), progress)
    store.close()
    for line in findings_lines(found):
        typer.echo(line)


def _signer(folder: Path, passphrase_file: Path | None) -> MeterSigner:
    from channels.passphrase import read_passphrase
    from energy.meters import meter_key

    is_locked = meter_key.needs_passphrase(folder)
    return meter_key.load(folder, read_passphrase(passphrase_file) if is_locked else None)


def _day(given: str) -> date:
    from datetime import date

    try:
        return date.fromisoformat(given)
    except ValueError:
        raise typer.BadParameter(f"{given!r} is no day such as 2026-06-17") from None
