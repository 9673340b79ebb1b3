"""The built-in street's year through the clearing, twice, with its account and its what-ifs.

    python -m benches.market_replay

Without price limits all that is possible must be traded, and with them every missing Wh explained:
the bench fails otherwise.
"""

from __future__ import annotations

from time import perf_counter

from benches.figures import Figure, device, emit
from energy.community.rules import ClearingRule, Tariff
from energy.replay.battery import Battery
from energy.replay.limits import spread_limits
from wattlane.market_replay import Question, answer, built_in_year
from wattlane.readings import CLEAN_HOMES

KNOWN_WH = 6_832_756
MOST_S = 60.0


def main() -> None:
    tariff = Tariff(0, 320_000, 80_000)
    limits = spread_limits(CLEAN_HOMES, tariff)
    battery = Battery(10_000, 5_000)
    for rule in ClearingRule:
        started = perf_counter()
        question = Question(tariff, rule, limits, battery, CLEAN_HOMES[0])
        found = answer(built_in_year(), question, lambda _done, _all: None)
        took_s = perf_counter() - started
        assert found.free.traded_wh == KNOWN_WH
        assert found.limited.traded_wh + found.limited.missing_wh == KNOWN_WH
        emit(
            [
                Figure(
                    f"13 homes' year replayed without and with limits, {rule.value}",
                    took_s,
                    None,
                    "s",
                    None,
                    f"at most {MOST_S:g} s",
                    took_s <= MOST_S,
                    device(),
                    "python -m benches.market_replay",
                )
            ]
        )


if __name__ == "__main__":
    main()
