"""Late and corrected readings make adjustments; what was settled is never written anew.

The settlements of an interval form a chain: the first, then adjustments, each naming the one before
by its digest. An adjustment holds what the meters show by now and the flows that make the sum of
the chain equal to what `settle` gives for those readings, so that every sum stays zero. The
clearing stays as it was: more energy than was traded goes to the grid, less is shared anew.

Readings may be corrected until `adjust_days` after the interval's end. Then it is final; where a
home has never shown a reading, a last settlement (`finish`) charges what the rule says for that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import replace

from energy.canonical import digest
from energy.clearing.trades import Clearing
from energy.community.rules import Rules, Tariff
from energy.errors import ChainBroken, CorrectionsOpen, CorrectionsOver
from energy.intervals import DAY_S, Interval
from energy.settlement.documents import encode_clearing, encode_settlement
from energy.settlement.flows import Flow, FlowKind, Metered, Party, Settlement, Stage
from energy.settlement.settle import settle

_Line = tuple[FlowKind, int, Party, Party, int]
"""What flows of one kind, trade, two parties (in a fixed order) and price have in common."""


def corrected_until_ms(interval: Interval, rules: Rules) -> int:
    """The last moment (Unix ms, UTC) at which a reading of the interval may be corrected."""
    return interval.end_ms + rules.adjust_days * DAY_S * 1000


def revise(
    chain: Sequence[Settlement],
    clearing: Clearing,
    metered: Iterable[Metered],
    rules: Rules,
    tariff: Tariff,
    now_ms: int,
) -> Settlement | None:
    """The adjustment that follows an interval's settlements, or None where nothing has changed.

    `chain`: its settlements so far, the first one first. `metered`: what the meters show by now, of
    all homes. Raises CorrectionsOver, ChainBroken, and as `settle`.
    """
    until_ms = corrected_until_ms(clearing.interval, rules)
    if now_ms > until_ms or chain[-1].stage is Stage.FINAL:
        raise CorrectionsOver(until_ms, now_ms)
    check_chain(chain)
    anew = settle(clearing, metered, rules, tariff, digest(encode_clearing(clearing)))
    if anew.metered == chain[-1].metered:
        return None
    return _following(chain, anew, Stage.CORRECTED)


def finish(
    chain: Sequence[Settlement], clearing: Clearing, rules: Rules, tariff: Tariff, now_ms: int
) -> Settlement | None:
    """The last settlement of an interval, or None where time alone has made the chain final.

    Raises CorrectionsOpen before its time, ChainBroken.
    """
    until_ms = corrected_until_ms(clearing.interval, rules)
    if now_ms <= until_ms:
        raise CorrectionsOpen(until_ms, now_ms)
    check_chain(chain)
    if chain[-1].stage is Stage.FINAL:
        return None
    name = digest(encode_clearing(clearing))
    anew = settle(clearing, chain[-1].metered, rules, tariff, name, is_final=True)
    last = _following(chain, anew, Stage.FINAL)
    return last if last.flows else None


def stage_at(chain: Sequence[Settlement], rules: Rules, now_ms: int) -> Stage:
    """How sure an interval's settlements are at a time (Unix ms, UTC)."""
    if now_ms > corrected_until_ms(chain[0].interval, rules):
        return Stage.FINAL
    return chain[-1].stage


def check_chain(chain: Sequence[Settlement]) -> None:
    """Raises ChainBroken unless the settlements are one interval's, from the first, in order."""
    for place, one in enumerate(chain):
        if one.revision != place:
            raise ChainBroken(place, f"it is revision {one.revision}")
        before = chain[place - 1] if place else None
        if before is None:
            if one.before:
                raise ChainBroken(place, "the first has none before it")
        elif one.before != digest(encode_settlement(before)):
            raise ChainBroken(place, "it names another one before it")
        elif (one.interval, one.clearing) != (before.interval, before.clearing):
            raise ChainBroken(place, "it settles another clearing")


def flows_of(chain: Iterable[Settlement], without: Container[FlowKind] = ()) -> tuple[Flow, ...]:
    """What is owed by all settlements of one interval together, adjustments counted in.

    One flow for each kind, trade, two parties and price, netted; those that came to nothing are
    left out, and so are kinds in `without`.
    """
    lines = _lines(chain, without)
    return tuple(_flow(line, more_wh) for line, more_wh in lines.items() if more_wh)


def _following(chain: Sequence[Settlement], anew: Settlement, stage: Stage) -> Settlement:
    """The adjustment from the chain to what settling anew has given."""
    owed, settled = _lines([anew]), _lines(chain)
    more = {line: owed.get(line, 0) - settled.get(line, 0) for line in owed | settled}
    adjustments = (
        replace(_flow(line, more_wh), kind=FlowKind.ADJUSTMENT, adjusts=line[0])
        for line, more_wh in more.items()
        if more_wh
    )
    return replace(
        anew,
        revision=len(chain),
        stage=stage,
        flows=tuple(adjustments),
        before=digest(encode_settlement(chain[-1])),
    )


def _lines(chain: Iterable[Settlement], without: Container[FlowKind] = ()) -> dict[_Line, int]:
    """Wh of each line over all settlements, positive where its first party pays its second."""
    found: defaultdict[_Line, int] = defaultdict(int)
    for settlement in chain:
        for flow in settlement.flows:
            if flow.subject in without:
                continue
            is_turned = _rank(flow.payee) < _rank(flow.payer)
            first, second = (flow.payee, flow.payer) if is_turned else (flow.payer, flow.payee)
            line = (flow.subject, flow.trade, first, second, flow.price_utok_per_kwh)
            found[line] += -flow.energy_wh if is_turned else flow.energy_wh
    return dict(found)


def _flow(line: _Line, energy_wh: int) -> Flow:
    kind, trade, payer, payee, price = line
    if energy_wh < 0:
        payer, payee = payee, payer
    return Flow(kind, payer, payee, abs(energy_wh), price, abs(energy_wh) * price, trade)


def _rank(party: Party) -> tuple[int, str]:
    return (party, "") if isinstance(party, int) else (-1, party.value)
