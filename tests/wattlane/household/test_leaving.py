from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from protocol.units import DAY_S
from sequencer.pages.marks import Mark
from wattlane.household.day import ChannelLine, Money
from wattlane.household.leaving import OnL1, Operator, Place, Situation, Stage, Way, way_out
from wattlane.leaving import RAISE_TIME_S

NOW = 2_000_000_000
PLACE = Place(Path("/homes/Anna's home"), "http://127.0.0.1:8545", "0x" + "11" * 20)
L1 = OnL1(NOW, None, None)
OPEN = ChannelLine(7, 2, "open", "open", Mark("final"), 100, 80, 1, 2, 3, 4, 0, DAY_S, 0)
CLOSING = replace(OPEN, channel_id=8, status="closing", soft_status="closing", deadline=NOW + 500)
SITUATION = Situation(Operator.ANSWERS, L1, [OPEN, CLOSING], Money(40, 40, 0), 10, 10**13)


def states(way: Way) -> dict[str, str]:
    return {one.key: one.state for one in way.stages}


def stage(way: Way, key: str) -> Stage:
    return next(one for one in way.stages if one.key == key)


def errands(way: Way) -> list[tuple[str, str]]:
    """Every button of a stage that is to be done now."""
    found = []
    for one in way.stages:
        actions = [*one.actions, *(action for item in one.items for action in item.actions)]
        assert not actions or one.state == "now"
        found += [(action.errand, action.subject) for action in actions]
    return found


def test_with_the_operator_channels_come_first_then_the_balance_then_l1() -> None:
    way = way_out(SITUATION, PLACE)
    assert way.kind == "together"
    assert states(way) == {"close": "now", "withdraw": "later", "collect": "later"}
    assert errands(way) == [("close", "7"), ("force_close", "7")]
    assert "window ends at" in stage(way, "close").items[1].text
    way = way_out(replace(SITUATION, channels=[]), PLACE)
    assert states(way) == {"close": "done", "withdraw": "now", "collect": "later"}
    assert errands(way) == [("withdraw", "30")]  # the fee stays
    on_its_way = Money(40, 10, 0)
    way = way_out(replace(SITUATION, channels=[], money=on_its_way), PLACE)
    assert errands(way) == []
    assert not way.is_out
    way = way_out(replace(SITUATION, channels=[], money=Money(10, 10, 30)), PLACE)
    assert states(way) == {"close": "done", "withdraw": "done", "collect": "now"}
    assert errands(way) == [("collect", "")]
    assert way_out(replace(SITUATION, channels=[], money=Money(0, 0, 0)), PLACE).is_out


@pytest.mark.parametrize("soft_status", ["closing", "closed"])
def test_what_the_operator_has_closed_already_is_not_asked_for_again(soft_status: str) -> None:
    """It may still be that it never becomes final: L1's own way stays open."""
    ending = replace(OPEN, soft_status=soft_status, mark=Mark("soft"))
    way = way_out(replace(SITUATION, channels=[ending, OPEN, CLOSING]), PLACE)
    item = stage(way, "close").items[0]
    assert "not final yet" in item.text
    assert [one.errand for one in item.actions] == ["force_close"]
    assert ("close_all", "") not in errands(way)
    silent = replace(SITUATION, operator=Operator.SILENT, channels=[ending])
    assert errands(way_out(silent, PLACE)) == [("force_start", "7")]


def test_several_channels_can_be_closed_at_once() -> None:
    way = way_out(replace(SITUATION, channels=[OPEN, replace(OPEN, channel_id=9)]), PLACE)
    assert ("close_all", "") in errands(way)


def test_a_fee_that_is_all_there_is_left_does_not_keep_anybody() -> None:
    way = way_out(replace(SITUATION, channels=[], money=Money(7, 7, 0)), PLACE)
    assert states(way)["withdraw"] == "done"


def test_against_a_silent_operator_l1s_queue_is_the_way() -> None:
    silent = replace(SITUATION, operator=Operator.SILENT, money=None)
    way = way_out(silent, PLACE)
    assert way.kind == "forced"
    assert errands(way) == [("force_start", "7")]
    assert "0.00001 ether" in stage(way, "close").items[0].text
    assert states(way)["force_exit"] == "later"
    assert "--dry-run" in stage(way, "exodus").commands[0]
    way = way_out(replace(silent, channels=[]), PLACE)
    assert states(way) | {"collect": ""} == {
        "close": "done",
        "force_exit": "now",
        "exodus": "later",
        "collect": "",
    }
    (command,) = stage(way, "force_exit").commands
    words = shlex.split(command)
    assert words[:3] == ["wattlane", "force", "exit"]
    assert words[words.index("--folder") + 1] == "/homes/Anna's home"
    due = replace(silent, l1=replace(L1, exodus_from=NOW))
    assert states(way_out(due, PLACE))["exodus"] == "now"
    assert "--dry-run" not in stage(way_out(due, PLACE), "exodus").commands[0]
    assert states(way_out(replace(silent, l1=None), PLACE))["exodus"] == "later"


@pytest.mark.parametrize("operator", Operator)
def test_once_the_exodus_has_started_only_proofs_count(operator: Operator) -> None:
    started = replace(SITUATION, operator=operator, l1=replace(L1, exodus_start=NOW - DAY_S))
    way = way_out(started, PLACE)
    assert (way.kind, errands(way)) == ("exodus", [])
    assert states(way)["prove"] == "now"
    assert states(way)["settle"] == "later"
    assert stage(way, "prove").commands == (PLACE.command("exit"),)
    over = replace(started, l1=replace(L1, exodus_start=NOW - RAISE_TIME_S))
    assert states(way_out(over, PLACE))["settle"] == "now"


def test_a_node_that_sleeps_is_to_be_woken_first() -> None:
    asleep = replace(SITUATION, channels=None, money=None)
    way = way_out(asleep, PLACE)
    assert (way.kind, [one.key for one in way.stages]) == ("unknown", ["wake"])
    way = way_out(replace(asleep, operator=Operator.SILENT), PLACE)
    assert [one.key for one in way.stages] == ["wake", "exodus"]


def test_commands_carry_the_chains_own_finality() -> None:
    place = replace(PLACE, confirmations=0)
    assert place.command("exit").endswith("--confirmations 0")
    assert "--confirmations" not in place.command("force", "exit")
