"""The market of the demo: its community's file, its process, and what its journal says at the end.

The process is the one that any community runs. Its clock is that of the meters' readings, as the
day is over long since.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from energy.community.community import Community
from energy.community.community_file import load_community
from energy.errors import EnergyError
from energy.market.journal import read_journal
from energy.market.market import Market
from energy.meters.meter import Meter, meters_of
from energy.settlement.flows import FlowKind, Settlement
from wattlane.community_changes import founding
from wattlane.demo.community import MemberKeys, community_text
from wattlane.demo.homes import Home
from wattlane.demo.metering import is_one_chain, make_meter_key, write_settings, write_street
from wattlane.demo.plan import Plan
from wattlane.demo.processes import Child, Children
from wattlane.demo.rollup import url_of
from wattlane.demo.site import Site
from wattlane.home_folder import meter_in

BEFORE_S = 60
"""So long before the first reading the market begins to take orders."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a market's journal says, computed again. `follows`: whether every entry follows from
    those before it. `settled`: by their intervals. `kinds`: how many entries there are of each.
    """

    follows: bool
    settled: tuple[Settlement, ...]
    kinds: Counter[str]

    @property
    def traded_wh(self) -> int:
        """All energy that it settled between neighbours."""
        flows = (flow for one in self.settled for flow in one.flows)
        return sum(flow.energy_wh for flow in flows if flow.kind is FlowKind.TRADE)


def write_community(
    plan: Plan, site: Site, homes: Mapping[str, Home], own: Home, domain: int
) -> Community:
    """Meters with their keys, the street's file and the community's; what the latter says.

    `own`: the community's account. Raises KeystoreExists, BadCommunityFile, BadMeterSettings.
    """
    write_street(plan.timeline, site.street_file)
    members = {}
    for name, home in homes.items():
        meter = make_meter_key(meter_in(site.home(name)))
        members[name] = MemberKeys(home.index, home.wallet.key_hash, meter.did, meter.key_id)
    text = community_text(
        plan.timeline,
        members,
        plan.rules,
        plan.tariff,
        domain=domain,
        account=own.index,
        key_hash=own.wallet.key_hash,
    )
    site.community_file.write_text(text, encoding="utf-8")
    community = load_community(site.community_file)
    for member in community.members:
        known, folder = meter_of(community, member.account), meter_in(site.home(member.name))
        write_settings(folder, site.street_file, member.name, community.zone, known)
    return community


def meter_of(community: Community, account: int) -> Meter:
    """The one meter of a home."""
    (meter,) = meters_of(community.member(account)).values()
    return meter


def read_market(site: Site) -> Told:
    """Compute the whole journal again, from its file. Raises JournalUnusable."""
    _, entries = read_journal(site.market)
    market, kinds, follows = Market(), Counter[str](), True
    try:
        for entry in entries:
            kinds[market.add(entry)] += 1
    except EnergyError:
        follows = False
    rounds = market.periods.rounds if kinds else {}
    settled = tuple(one for start in sorted(rounds) for one in rounds[start].chain)
    return Told(follows, settled, kinds)


def meters_follow(site: Site, plan: Plan, community: Community) -> bool:
    """Whether every home's own readings are one signed chain. Raises MeterStoreUnusable."""
    last_ms = plan.timeline.times_ms[-1]
    return all(
        is_one_chain(meter_in(site.home(member.name)), meter_of(community, member.account), last_ms)
        for member in community.members
    )


def start_market(
    site: Site, children: Children, plan: Plan, own: Home, community: Community
) -> tuple[Child, str]:
    """The process and its URL, with the community as the journal's first entry.

    Its clock begins before the first reading, and goes by the readings. Raises ChildFailed.
    """
    founded = site.market / "founding"
    site.market.mkdir(mode=0o700)
    founded.write_bytes(founding(community, own.wallet).encoded)
    begins = datetime.fromtimestamp(plan.timeline.times_ms[0] // 1000 - BEFORE_S, UTC)
    arguments = ["market", "run", "--folder", str(site.market), "--listen", "127.0.0.1:0"]
    arguments += ["--founding", str(founded), "--replay-from", begins.isoformat()]
    child = children.start("market", arguments, site.environment)
    return child, url_of(child)
