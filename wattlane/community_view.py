"""A community in words, for a terminal: who, within what limits, at what prices, by which rules."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from energy.community.ballots import Ballot
from energy.community.community import Community, Counting, Voting
from energy.community.document import community_digest
from energy.community.members import DEFAULT_REGISTER_WH, DEFAULT_STEP_WH, Member, MeterKey
from energy.community.rules import DeviationRule, Rules, Tariff, Timing
from wattlane.errors import BadChoice
from wattlane.money import show_tokens

MS_PER_DAY = 86_400_000
MS_PER_MINUTE = 60_000
NTOK_PER_UTOK = 1_000


def parse_moment(text: str) -> int:
    """Unix ms of a time as typed, such as 2026-07-01T12:00Z. Raises BadChoice."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadChoice(f"{text[:40]!r} is no time such as 2026-07-01T12:00Z") from None
    if moment.tzinfo is None:
        raise BadChoice(f"{text[:40]!r} needs its offset, such as Z or +02:00, at its end")
    return int(moment.timestamp()) * 1000


def show_moment(time_ms: int, zone: ZoneInfo) -> str:
    """A time as people of a zone read it."""
    return datetime.fromtimestamp(time_ms // 1000, zone).strftime("%Y-%m-%d %H:%M %Z")


def show_price(price_utok_per_kwh: int) -> str:
    """Tokens a kWh, to the last place."""
    return f"{show_tokens(price_utok_per_kwh * NTOK_PER_UTOK, 6)} tokens a kWh"


def community_lines(community: Community, now_ms: int) -> Iterator[str]:
    """All that a community says; what is in force at `now_ms` is marked."""
    zone = community.zone_info
    yield f"{community.name}, days by {community.zone}"
    yield f"hash      0x{community_digest(community).hex()}"
    yield f"rollup    {community.domain:#034x}, the community's account {community.account}"
    yield f"profile   {community.profile.value}: {community.law.title}"
    for source in community.law.sources:
        yield f"          {source}"
    carbon = community.carbon
    if carbon is not None:
        yield f"carbon    {carbon.grams_per_kwh} g of CO2 a kWh: {carbon.source}"
    yield "members"
    for member in community.members:
        yield from _member_lines(member, zone)
    for feeder in community.feeders:
        area = f", area {feeder.area}" if feeder.area else ""
        ways = f"in {feeder.most_in_w} W, out {feeder.most_out_w} W"
        yield f"feeder    {feeder.name!r}: trades bring at most {ways}{area}"
    for tariff in community.tariffs:
        mark = _mark(tariff, community.tariffs, now_ms)
        yield f"tariff    from {show_moment(tariff.valid_from_ms, zone)}{mark}"
        yield f"  the grid takes {show_price(tariff.retail_utok_per_kwh)}"
        yield f"  and pays       {show_price(tariff.feed_in_utok_per_kwh)}"
        for fee in tariff.fees:
            payer = f"the {fee.paid_by.value}er"
            yield f"  {fee.kind.value}: {show_price(fee.utok_per_kwh)}, paid by {payer}"
    for rules in community.rules:
        mark = _mark(rules, community.rules, now_ms)
        from_ = show_moment(rules.valid_from_ms, zone)
        yield f"rules     version {rules.version}, from {from_}{mark}"
        for line in rules_lines(rules):
            yield f"  {line}"
    yield f"votes     {voting_text(community.voting)}"


def rules_lines(rules: Rules) -> Iterator[str]:
    """What a version of the rules says."""
    minutes = rules.interval_ms // MS_PER_MINUTE
    yield f"every {minutes} minutes: {rules.clearing.value}, {rules.timing.value} the interval"
    yield f"shared {rules.sharing.value}, paid by {rules.mode.value}, {rules.topology.value}"
    if rules.timing is Timing.AHEAD:
        yield f"deviations: {rules.deviation.value}"
        yield f"  what is missing costs {show_price(rules.short_utok_per_kwh)}"
        if rules.deviation is DeviationRule.EACH_ITS_OWN:
            yield f"  what is left brings   {show_price(rules.surplus_utok_per_kwh)}"
    yield f"readings are corrected for {rules.adjust_days} days"


def voting_text(voting: Voting) -> str:
    """How the rules are changed."""
    counted = "one home one vote" if voting.counting is Counting.HOME else "by weight"
    return (
        f"{counted}, open {_days(voting.open_ms)}, {voting.quorum_percent} % have to vote, "
        f"more than {voting.majority_percent} % of those in favour, "
        f"in force after {_days(voting.delay_ms)}"
    )


def ballot_lines(ballot: Ballot, community: Community) -> Iterator[str]:
    """A proposal, who has voted how, and what came of it."""
    zone, proposal, tally = community.zone_info, ballot.proposal, ballot.tally()
    names = community.names
    proposer = names.get(proposal.proposer, "a former member")
    yield f"proposal 0x{ballot.digest.hex()}"
    yield f"  by {proposer} (account {proposal.proposer}): {proposal.reason}"
    if isinstance(proposal.change, Rules):
        wished = show_moment(proposal.change.valid_from_ms, zone)
        yield f"  rules  from {wished}, or once the delay is over"
        for line in rules_lines(proposal.change):
            yield f"  rules  {line}"
    else:
        yield f"  voting {voting_text(proposal.change)}"
    yield f"  open   {show_moment(ballot.opened_ms, zone)} to {show_moment(ballot.closes_ms, zone)}"
    for voter, in_favour in sorted(ballot.cast.items()):
        said = "for" if in_favour else "against"
        yield f"    {said:<8} {names.get(voter, 'a former member')}, {ballot.electorate[voter]}"
    against = tally.cast - tally.in_favour
    yield f"  votes  {tally.in_favour} for, {against} against, of {tally.all}"
    since = f", in force from {show_moment(ballot.effective_ms, zone)}"
    yield f"  result {ballot.outcome.value}{since if ballot.effective_ms else ''}"


def _days(length_ms: int) -> str:
    days, rest = divmod(length_ms, MS_PER_DAY)
    return f"{days} days" if not rest else f"{length_ms // MS_PER_MINUTE} minutes"


def _member_lines(member: Member, zone: ZoneInfo) -> Iterator[str]:
    traits = []
    if member.is_green:
        traits.append("green")
    if member.battery_wh:
        traits.append(f"battery of {member.battery_wh} Wh")
    if member.feeder:
        traits.append(f"on {member.feeder!r}")
    if member.weight != 1:
        traits.append(f"weight {member.weight}")
    connection = member.connection
    watts = f"takes {connection.import_w} W, gives {connection.export_w} W"
    yield f"  {member.account:>6}  {member.name}: {', '.join([watts, *traits])}"
    for key in member.meters:
        until = f" to {show_moment(key.valid_until_ms, zone)}" if key.valid_until_ms else ""
        revoked = f", revoked {show_moment(key.revoked_ms, zone)}" if key.revoked_ms else ""
        yield f"          meter {key.did}{_comma(registers_of(key))}"
        yield f"            key {key.key_id}"
        yield f"            from {show_moment(key.valid_from_ms, zone)}{until}{revoked}"


def registers_of(key: MeterKey) -> str:
    """A meter's registers in words; "" for one that has the usual ones, as far as its file says."""
    parts = []
    if key.register_wh != DEFAULT_REGISTER_WH:
        parts.append(f"its registers begin at 0 again at {key.register_wh:,} Wh")
    if key.step_wh != DEFAULT_STEP_WH:
        parts.append(f"they rise {key.step_wh:,} Wh at once")
    return ", ".join(parts)


def _comma(said: str) -> str:
    return said and f", {said}"


def _mark(one: Rules | Tariff, all_: tuple[Rules, ...] | tuple[Tariff, ...], now_ms: int) -> str:
    current = [other for other in all_ if other.valid_from_ms <= now_ms]
    return "  <- in force" if current and current[-1] is one else ""
