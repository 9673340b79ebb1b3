"""The rollup of the demo: contracts and operator on L1, homes with their first deposits, and the
sequencer in a process of its own.
"""

from __future__ import annotations

import re
import time
from collections import deque
from dataclasses import dataclass

from contracts.blob_places import blob_sources
from contracts.finality import Finality
from contracts.reader import RollupReader
from sequencer.bootstrap import InitRequest, MakeKey, initialise
from sequencer.proving import Prover
from sequencer.settings import DATABASE, Settings
from wattlane.demo.homes import Home, deposit_for, make_home
from wattlane.demo.l1 import DemoL1
from wattlane.demo.plan import Plan
from wattlane.demo.processes import Child, Children
from wattlane.demo.site import Site
from wattlane.progress import Bars

MAXIMUM_AGE_S = 8.0
POLL_S = 0.5
READY_TIMEOUT_S = 180.0
READY = re.compile(r"(?:listening|market) on (http://\S+)\n")
TRANSACTIONS_A_HOME = 40
ROUND_NTOK = 10**7
"""Deposits are whole hundredths of a token."""


@dataclass(frozen=True, slots=True)
class Instalments:
    """What a home deposits: for its OPENs and fees, then for what it will add to its channels."""

    first_ntok: int
    second_ntok: int


def deploy(
    site: Site,
    l1: DemoL1,
    prover: Prover,
    exit_key: MakeKey,
    confirmations: int | None,
    data_mode: str,
) -> Settings:
    """Keystore, test token, contract, operator's account. Raises as sequencer.initialise."""
    request = InitRequest(
        folder=site.operator,
        l1_url=l1.url,
        l1_private_key=bytes(l1.funder.key),
        confirmations=confirmations,
        options={
            "listen_port": 0,
            "maximum_age_s": MAXIMUM_AGE_S,
            "poll_s": POLL_S,
            "data_mode": data_mode,
            "archive_folder": site.blobs,
        },
    )
    return initialise(request, site.passphrase, prover, exit_key)


def reader_of(settings: Settings) -> RollupReader:
    """The rollup as L1 shows it."""
    return RollupReader(
        settings.l1_url,
        settings.contract,
        finality=Finality(settings.confirmations),
        blobs=blob_sources(settings.l1_url, archive=settings.archive_folder),
    )


def instalments(plan: Plan, home: str, fee_ntok: int) -> Instalments:
    """How much a home deposits, from what the plan says it needs."""
    opens = sum(one.first_deposit_ntok for one in plan.channels if one.opener == home)
    fees = TRANSACTIONS_A_HOME * fee_ntok
    return Instalments(
        first_ntok=_rounded(opens + fees), second_ntok=_rounded(plan.need_ntok(home) - opens)
    )


def _rounded(amount_ntok: int) -> int:
    return -(-amount_ntok // ROUND_NTOK) * ROUND_NTOK


def open_community(site: Site, l1: DemoL1, settings: Settings) -> Home:
    """The wallet and the account of the community, which has the market but runs no node."""
    own = make_home(
        "the community", site.community, site.passphrase, l1, settings.contract, ROUND_NTOK
    )
    deposit_for(own, ROUND_NTOK)
    return own


def settle_homes(
    plan: Plan, site: Site, l1: DemoL1, settings: Settings, queue_slots: int, bars: Bars
) -> tuple[dict[str, Home], deque[tuple[Home, int]]]:
    """Wallets and first deposits of all homes, and what they will deposit later, largest first;
    the operator's account and the community's are there already.

    The biggest of the later ones come at once where a batch's queue slot would stay empty.
    """
    homes: dict[str, Home] = {}
    later: list[tuple[Home, int]] = []
    with bars.stage("wallets and deposits on L1", len(plan.homes)) as shown:
        for place, name in enumerate(plan.homes, start=1):
            amounts = instalments(plan, name, settings.minimum_fee_ntok)
            total = amounts.first_ntok + amounts.second_ntok
            folder, contract = site.home(name), settings.contract
            home = homes[name] = make_home(name, folder, site.passphrase, l1, contract, total)
            deposit_for(home, amounts.first_ntok)
            if amounts.second_ntok:
                later.append((home, amounts.second_ntok))
            shown(place, name)
    queue = deque(sorted(later, key=lambda one: (-one[1], one[0].name)))
    for _ in range(min(-(2 + len(homes)) % queue_slots, len(queue))):
        deposit_for(*queue.popleft())
    return homes, queue


def start_sequencer(site: Site, children: Children, prover: str | None = None) -> tuple[Child, str]:
    """The process and its URL; `prover` as in DemoSettings. Raises ChildFailed."""
    arguments = ["sequencer", "run", "--folder", str(site.operator)]
    if prover is not None:
        arguments += ["--prover", prover]
    child = children.start("sequencer", arguments, site.environment)
    return child, url_of(child)


def url_of(child: Child) -> str:
    """Where a process says that it listens, once it does. Raises ChildFailed."""
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        child.check()
        ready = READY.search(child.log.read_text(encoding="utf-8", errors="replace"))
        if ready:
            return ready[1]
        time.sleep(0.1)
    raise child.failed()


def delete_database(site: Site) -> None:
    """Remove all that the sequencer remembers: what follows must do without."""
    for path in site.operator.glob(DATABASE + "*"):
        path.unlink()
