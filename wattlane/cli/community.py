"""`wattlane market community`: a community's file, and how its rules are changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wattlane.cli.options import DEFAULT_FOLDER, Folder, PassphraseFile, http_url

if TYPE_CHECKING:
    from channels.wallet import Wallet
    from wattlane.community_changes import Change

app = typer.Typer(
    no_args_is_help=True,
    help="A community's file: who is in it, its meters, limits, tariffs and rules; and the votes "
    "by which the rules change. docs/treasurer.md goes through it step by step.",
)

CommunityPath = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", help="The community's TOML file; examples are in examples/communities."
    ),
]


@app.command()
def check(file: CommunityPath) -> None:
    """Read a community's file as strictly as a market does, and print its hash.

    The hash is of what the file says: comments, order and the way dates are written do not count.
    Neighbours who have the same hash have agreed on the same thing. Exit status 1, and what is
    wrong and where, if the file cannot be used.

    A meter is taken to have registers of six digits of kWh that rise Wh by Wh. One that has others
    says so in its [[members.meters]], with the numbers that are in its own meter.toml: register_wh,
    at which the registers begin at 0 again (five digits of kWh: 100_000_000; a counter of 32 bits:
    4_294_967_296), and step_wh, by how much they rise at once. Else the market refuses readings
    that the home has kept. Every such meter is listed, to be compared.
    """
    from energy.community.community_file import load_community
    from energy.community.document import community_digest
    from wattlane.community_view import registers_of

    community = load_community(file)
    members, feeders = len(community.members), len(community.feeders)
    without = [one.name for one in community.members if not one.meters]
    typer.echo(f"{community.name}: {members} members, {feeders} feeders, a usable file")
    typer.echo(f"hash     0x{community_digest(community).hex()}")
    typer.echo(f"profile  {community.profile.value}: {community.law.title}")
    for home in community.members:
        for said in dict.fromkeys(map(registers_of, home.meters)):
            if said:
                typer.echo(f"meter    {home.name}: {said}")
    if without:
        typer.echo(f"no meter {', '.join(without)}: without verified readings they do not trade")


Source = Annotated[
    str,
    typer.Argument(
        metavar="FILE|URL", help="The community as it is: its TOML file, or its market's address."
    ),
]
NewFile = Annotated[
    Path, typer.Argument(metavar="NEW", help="The TOML file as it shall be, with the change.")
]
MarketUrl = Annotated[
    str | None,
    typer.Option(
        "--market",
        envvar="WATTLANE_MARKET",
        callback=http_url,
        help="Hand it in at this market, which answers once it is on disk.",
    ),
]
Out = Annotated[
    Path | None, typer.Option("--out", help="Write the signed document to this file as well.")
]
Reason = Annotated[str, typer.Option("--reason", help="Why, for those who vote.")]


@app.command()
def show(
    source: Source,
    at: Annotated[
        str | None,
        typer.Option("--at", help="Show what is in force at a time such as 2026-07-01T12:00Z."),
    ] = None,
) -> None:
    """Show a community in words: its members and their limits, its prices and its rules."""
    import asyncio
    import time

    from wattlane.community_source import community_from
    from wattlane.community_view import community_lines, parse_moment

    now_ms = time.time_ns() // 1_000_000 if at is None else parse_moment(at)
    for line in community_lines(asyncio.run(community_from(source)), now_ms):
        typer.echo(line)


@app.command()
def save(
    url: Annotated[str, typer.Argument(metavar="URL", callback=http_url, help="The market's.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The TOML file to write.")],
) -> None:
    """Write the community that a market has as a file, to read it, check it, or change it.

    It has the same hash as the community in the market. Nothing is overwritten.
    """
    import asyncio

    from energy.community.community_text import community_text
    from energy.community.document import community_digest
    from wattlane.community_source import community_from
    from wattlane.durable import write_durably
    from wattlane.errors import BadChoice

    if file.exists():
        raise BadChoice(f"{file} exists: give another name")
    community = asyncio.run(community_from(url))
    write_durably(file, community_text(community))
    typer.echo(f"written  {file}")
    typer.echo(f"hash     0x{community_digest(community).hex()}")


@app.command()
def found(
    file: CommunityPath,
    market: MarketUrl = None,
    out: Out = None,
    folder: Folder = DEFAULT_FOLDER,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Sign a community's file with its own account's key: a market's journal begins with it."""
    from energy.community.community_file import load_community
    from wattlane.community_changes import founding

    community = load_community(file)
    _deliver("founding", founding(community, _wallet(folder, passphrase_file)), market, out)


@app.command()
def amend(
    source: Source,
    new: NewFile,
    market: MarketUrl = None,
    out: Out = None,
    folder: Folder = DEFAULT_FOLDER,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Change facts: members, meters and their keys, connections, feeders, tariffs to come.

    Signed by the community's own account, in force from the moment when the market has it. Rules,
    and how they are voted on, are no facts: `propose` those. Tariffs that are in force, or begin
    before the delay that rules have (delay_days in [voting]), stay.
    """
    import asyncio

    from energy.community.community_file import load_community
    from wattlane.community_changes import amendment
    from wattlane.community_source import community_from

    before, after = asyncio.run(community_from(source)), load_community(new)
    _deliver("amendment", amendment(before, after, _wallet(folder, passphrase_file)), market, out)


@app.command()
def countersign(
    source: Source,
    correction: Annotated[
        Path, typer.Argument(metavar="CORRECTION", help="What `wattlane meter correct` wrote.")
    ],
    market: MarketUrl = None,
    out: Out = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    folder: Folder = DEFAULT_FOLDER,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Sign a meter's correction besides, by which less counts of what a neighbour has traded.

    A home corrects alone what it used or gave more, and what only the grid sold it. What takes back
    from a neighbour counts once the community's own account has looked at it and signed it, too:
    compare the meter, its invoice or its operator's data first. It shows what would change.
    """
    import asyncio

    from wattlane.community_source import community_from
    from wattlane.countersigning import correction_lines, countersigned, read_correction

    community, found = asyncio.run(community_from(source)), read_correction(correction)
    for line in correction_lines(found, community):
        typer.echo(line)
    if not yes:
        typer.confirm("Sign it for the community?", abort=True)
    change = countersigned(found, community, _wallet(folder, passphrase_file))
    _deliver("correction", change, market, out)


@app.command()
def propose(
    source: Source,
    new: NewFile,
    reason: Reason,
    market: MarketUrl = None,
    out: Out = None,
    folder: Folder = DEFAULT_FOLDER,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Propose new rules, signed by a member: everyone may vote on them as long as the vote is open.

    NEW is the file with one more [[rules]] at its end, or with another [voting]. The rules take
    effect at their valid_from, or as soon as the community's delay after the vote is over, where
    that is later; at a full hour, and never backwards.
    """
    import asyncio

    from energy.community.community_file import load_community
    from wattlane.community_changes import proposal
    from wattlane.community_source import community_from
    from wattlane.community_view import voting_text

    before, after = asyncio.run(community_from(source)), load_community(new)
    change = proposal(before, after, reason, _wallet(folder, passphrase_file))
    _deliver("proposal", change, market, out)
    typer.echo(f"votes    {voting_text(before.voting)}")


@app.command()
def vote(
    source: Source,
    proposal: Annotated[
        str, typer.Argument(metavar="PROPOSAL", help="Its name, 0x and 64 digits, or its file.")
    ],
    in_favour: Annotated[
        bool, typer.Option("--for/--against", help="In favour of it, or against it.")
    ],
    market: MarketUrl = None,
    out: Out = None,
    folder: Folder = DEFAULT_FOLDER,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Vote on a proposal, signed by a member. Until the vote closes another vote replaces it."""
    import asyncio

    from wattlane.community_changes import proposal_digest
    from wattlane.community_changes import vote as signed_vote
    from wattlane.community_source import community_from

    community = asyncio.run(community_from(source))
    wallet = _wallet(folder, passphrase_file)
    change = signed_vote(community, proposal_digest(proposal), in_favour, wallet)
    _deliver("vote", change, market, out)


@app.command()
def send(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What --out wrote.")],
    market: Annotated[
        str, typer.Option("--market", envvar="WATTLANE_MARKET", callback=http_url, help="Its URL.")
    ],
) -> None:
    """Hand in a signed document that was written to a file. Repeating it changes nothing."""
    from energy.signed import encode_signed
    from wattlane.community_changes import Change, read_signed

    signed = read_signed(file)
    _deliver("document", Change(encode_signed(signed), signed.digest), market, None)


@app.command()
def votes(
    journal: Annotated[
        str,
        typer.Argument(
            metavar="FOLDER|URL", help="A copy of the journal, or the market's address."
        ),
    ],
) -> None:
    """Show every proposal with its votes, counted from the signed documents of a journal.

    The count is made here, not by the market: each signature, the journal's chain and its key are
    checked on the way.
    """
    import asyncio
    import time

    from wattlane.cli.progress import shown_progress
    from wattlane.community_source import history_from
    from wattlane.community_view import ballot_lines

    now_ms = time.time_ns() // 1_000_000
    with shown_progress() as progress:
        history = asyncio.run(
            history_from(journal, now_ms, lambda done, of: progress("journal", done, of))
        )
    if not history.ballots:
        typer.echo("nothing was proposed yet")
    for ballot in history.ballots:
        for line in ballot_lines(ballot, history.latest.community):
            typer.echo(line)


def _wallet(folder: Path, passphrase_file: Path | None) -> Wallet:
    from channels.passphrase import read_passphrase
    from channels.wallet import Wallet

    return Wallet.load(folder, read_passphrase(passphrase_file))


def _deliver(what: str, change: Change, market: str | None, out: Path | None) -> None:
    """Write it and hand it in, as asked. Raises BadChoice where neither is, or the file exists."""
    import asyncio

    from wattlane.community_source import hand_in
    from wattlane.errors import BadChoice

    if market is None and out is None:
        raise BadChoice("say where it shall go: --market URL, or --out FILE")
    if out is not None:
        try:
            with out.open("xb") as file:
                file.write(change.encoded)
        except FileExistsError:
            raise BadChoice(f"{out} exists: give another name") from None
        typer.echo(f"written  {out}")
    if market is not None:
        taken = asyncio.run(hand_in(change.encoded, market))
        again = "" if taken.is_new else ", where it was before"
        typer.echo(f"taken    entry {taken.seq} of the market's journal{again}")
    typer.echo(f"{what:<8} 0x{change.digest.hex()}")
