"""Communities for tests: two homes with panels and one without, on two feeders."""

from __future__ import annotations

from dataclasses import replace

from energy.community.community import Carbon, Community, Voting
from energy.community.members import Connection, Feeder, Member, MeterKey
from energy.community.rules import Fee, FeeKind, Rules, Side, Tariff
from protocol.crypto.schnorr import Signer

DAY_MS = 86_400_000
START_MS = 1_780_264_800_000
"""1 June 2026, 00:00 in Berlin."""
DOMAIN = 12_345
SIGNERS = {account: Signer(1000 + account) for account in range(6)}
DID = "did:key:z6Mko9hTggMwjSTEaJaPUfE6tqcy2xvU6BnNq3e3o8qVBiyH"
OTHER_DID = "did:key:z6MkvRXNYcE7MMduynWTgeKbDaT1iijDSC8pZqXZc8rHPrf2"
KEY_ID = DID.removeprefix("did:key:")
FEES = (Fee(FeeKind.GRID, 20_000, Side.BUY), Fee(FeeKind.COMMUNITY, 1_000, Side.SELL))


def member(account: int, **changes: object) -> Member:
    """Home `account`, with a connection of 10 kW both ways and the key SIGNERS[account]."""
    home = Member(account, f"no. {account}", SIGNERS[account].key_hash, Connection(10_000, 10_000))
    return replace(home, **changes)  # type: ignore[arg-type]


def street(**changes: object) -> Community:
    """Homes 1, 2 (green) and 3, account 0 the community's own; rules and tariff from START_MS."""
    community = Community(
        name="Sunny Street",
        domain=DOMAIN,
        account=0,
        key_hash=SIGNERS[0].key_hash,
        zone="Europe/Berlin",
        members=(
            member(1, feeder="north", is_green=True, meters=(MeterKey(DID, KEY_ID, START_MS),)),
            member(2, feeder="south", is_green=True, battery_wh=5_000),
            member(3, feeder="south", weight=2),
        ),
        tariffs=(Tariff(START_MS, 350_000, 80_000, FEES),),
        rules=(Rules(1, START_MS),),
        feeders=(Feeder("north", 40_000, 20_000), Feeder("south", 40_000, 20_000)),
        voting=Voting(),
        area="area 1",
        carbon=Carbon(363, "a source"),
    )
    return replace(community, **changes)  # type: ignore[arg-type]
