"""Late and corrected readings add an adjustment; nothing that was settled changes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as bounded
from hypothesis import strategies as st

from energy.canonical import digest
from energy.clearing.trades import Clearing
from energy.community.rules import Rules, Tariff, Timing
from energy.errors import ChainBroken, CorrectionsOpen, CorrectionsOver
from energy.settlement.documents import encode_settlement
from energy.settlement.flows import FlowKind, Metered, Settlement, Stage, net_ntok
from energy.settlement.revise import corrected_until_ms, finish, flows_of, revise, stage_at
from tests.energy.settlement.examples import (
    INTERVAL,
    TARIFF,
    clearing,
    intervals_to_settle,
    metered,
    rules,
    settled,
    trade,
)

SOON_MS = INTERVAL.end_ms + 1
DAY_MS = 86_400_000


@bounded(max_examples=60, deadline=None)
@given(intervals_to_settle(), st.data())
def test_adjustments_lead_to_what_settling_anew_gives(
    example: tuple[Clearing, list[Metered], Rules, Tariff], data: st.DataObject
) -> None:
    """After each, the chain's sum is the settlement of the readings by then; sums stay zero."""
    cleared, meters, chosen, tariff = example
    chain = [settled(cleared, meters, chosen, tariff)]
    for _ in range(2):
        meters = [
            metered(home, data.draw(st.integers(0, 900)), data.draw(st.integers(0, 900)))
            for home in range(1, 7)
            if data.draw(st.integers(0, 5))
        ]
        before = list(chain)
        more = revise(chain, cleared, meters, chosen, tariff, SOON_MS)
        anew = settled(cleared, meters, chosen, tariff)
        if more is None:
            assert anew.metered == chain[-1].metered
            continue
        chain.append(more)
        assert chain[:-1] == before
        assert more.before == digest(encode_settlement(before[-1]))
        assert more.stage is Stage.CORRECTED
        assert {flow.kind for flow in more.flows} <= {FlowKind.ADJUSTMENT}
        assert sum(net_ntok(more.flows).values()) == 0
        assert set(flows_of(chain)) == set(flows_of([anew]))
        both = net_ntok([flow for one in chain for flow in one.flows])
        once = net_ntok(anew.flows)
        assert all(both.get(party, 0) == once.get(party, 0) for party in both | once)


def _late() -> tuple[Clearing, list[Settlement]]:
    cleared = clearing(trade(1, 2, 500))
    chosen = rules(timing=Timing.AHEAD, short_utok_per_kwh=40_000)
    return cleared, [settled(cleared, [metered(1, 0, 500)], chosen)]


AHEAD = rules(timing=Timing.AHEAD, short_utok_per_kwh=40_000)


def test_sixty_days_and_no_longer() -> None:
    """A reading counts up to the last millisecond; then the interval is final."""
    cleared, chain = _late()
    meters = [metered(1, 0, 500), metered(2, 500, 0)]
    until_ms = corrected_until_ms(INTERVAL, AHEAD)
    assert until_ms == INTERVAL.end_ms + 60 * DAY_MS
    assert stage_at(chain, AHEAD, until_ms) is Stage.PROVISIONAL
    late = revise(chain, cleared, meters, AHEAD, TARIFF, until_ms)
    assert late is not None
    assert stage_at([*chain, late], AHEAD, until_ms) is Stage.CORRECTED
    assert stage_at([*chain, late], AHEAD, until_ms + 1) is Stage.FINAL
    with pytest.raises(CorrectionsOver, match="final"):
        revise(chain, cleared, meters, AHEAD, TARIFF, until_ms + 1)


def test_the_last_settlement_charges_what_was_never_shown() -> None:
    """And only then; where all was shown, time alone makes it final."""
    cleared, chain = _late()
    until_ms = corrected_until_ms(INTERVAL, AHEAD)
    with pytest.raises(CorrectionsOpen):
        finish(chain, cleared, AHEAD, TARIFF, until_ms)
    last = finish(chain, cleared, AHEAD, TARIFF, until_ms + 1)
    assert last is not None
    assert last.stage is Stage.FINAL
    assert [(flow.adjusts, flow.payer, flow.payee, flow.energy_wh) for flow in last.flows] == [
        (FlowKind.DEVIATION, 2, 1, 500)
    ]
    assert finish([*chain, last], cleared, AHEAD, TARIFF, until_ms + 2) is None
    with pytest.raises(CorrectionsOver):
        revise([*chain, last], cleared, [], AHEAD, TARIFF, SOON_MS)
    shown = [settled(cleared, [metered(1, 0, 500), metered(2, 500, 0)], AHEAD)]
    assert finish(shown, cleared, AHEAD, TARIFF, until_ms + 1) is None


def test_the_same_readings_change_nothing() -> None:
    """A repeated reading makes no document."""
    cleared, chain = _late()
    assert revise(chain, cleared, [metered(1, 0, 500)], AHEAD, TARIFF, SOON_MS) is None


def test_a_chain_in_which_a_settlement_was_written_anew_is_refused() -> None:
    """Each names the one before by its digest."""
    cleared, chain = _late()
    meters = [metered(1, 0, 500), metered(2, 500, 0)]
    more = revise(chain, cleared, meters, AHEAD, TARIFF, SOON_MS)
    assert more is not None
    rewritten = replace(chain[0], flows=())
    for broken, why in (
        ([rewritten, more], "another one before"),
        ([more], "revision 1"),
        ([chain[0], replace(more, interval=replace(INTERVAL, end_ms=SOON_MS))], "clearing"),
        ([replace(chain[0], before=bytes(32))], "none before"),
    ):
        with pytest.raises(ChainBroken, match=why):
            revise(broken, cleared, [metered(1, 0, 5)], AHEAD, TARIFF, SOON_MS)
