"""The owner's powers, each with its limits, and that there are no others."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from contracts import errors
from contracts.addresses import address_number
from contracts.artifacts import FOLDER
from contracts.build import SOURCES
from contracts.chain import Chain
from contracts.client import RollupClient
from contracts.endorsements import Operators, operators_had
from contracts.reader import ABI, Powers
from protocol.channels import Lane
from protocol.crypto.jubjub import Point
from protocol.crypto.schnorr import Signature
from protocol.exits import AccountExit
from tests.support.simulated_exodus import ExitProver
from tests.support.simulated_proofs import EXIT_KEY
from tests.support.simulated_rollup import SimulatedRollup, deploy_simulated, payout

DAY_S = 86_400
MINUTE_S = 60
NOBODY = "0x" + 40 * "0"
SIGNATURE = Signature(Point(1, 2), Point(3, 4), 5)

OWNERS = {"transfer_ownership", "pause", "unpause", "announce_operator", "announce_sunset"}
"""All that the owner can do and nobody else."""


@pytest.fixture
def governed(chain: Chain) -> SimulatedRollup:
    """A fresh rollup; its operator and its owner are two."""
    return deploy_simulated(chain, chain.accounts[0], owner=chain.accounts[1].address)


def _as(rollup: SimulatedRollup, number: int) -> RollupClient:
    """The rollup's client with another account; number 1 is the owner's."""
    return RollupClient(rollup.chain.url, rollup.client.address, rollup.chain.accounts[number])


def _forced(client: RollupClient) -> list[Callable[[], object]]:
    return [
        lambda: client.change_key(0, 5),
        lambda: client.force_exit(0),
        lambda: client.force_start_close(0, 0, Lane.AB),
        lambda: client.force_claim(0, 0, Lane.AB, 1, SIGNATURE),
        lambda: client.force_finalize(0, 0),
    ]


# --- who ---------------------------------------------------------------------------------------


def test_the_owner_can_do_nothing_but_what_is_listed(governed: SimulatedRollup) -> None:
    """Whatever else is called, from the owner and from anybody, gives the same."""
    entries = json.loads((FOLDER / "rollup.json").read_text())["abi"]
    functions = [entry for entry in entries if entry["type"] == "function"]
    changing = {f["name"] for f in functions if f["stateMutability"] in ("nonpayable", "payable")}
    assert changing > OWNERS
    data = {}
    for entry in functions:
        among_several = f"{entry['name']}/{len(entry['inputs'])}"
        name = among_several if among_several in ABI.functions else entry["name"]
        data[name] = ABI.functions[name].encode_call(*map(_nothing, entry["inputs"]))
    assert data.keys() == ABI.functions.keys()
    owner, stranger = (governed.chain.accounts[n].address for n in (1, 7))
    differ = {
        name
        for name in data
        if _answer(governed, owner, data[name]) != _answer(governed, stranger, data[name])
    }
    assert differ == OWNERS
    for name in OWNERS:
        assert _answer(governed, stranger, data[name]) == "NotOwner"
        assert _answer(governed, governed.client.account.address, data[name]) == "NotOwner"


def _nothing(argument: dict[str, object]) -> object:
    """0 of an argument's type."""
    kind = str(argument["type"])
    if kind.endswith("[]"):
        return []
    if kind == "address":
        return NOBODY
    fixed = re.fullmatch(r"(.*)\[(\d+)\]", kind)
    if fixed:
        return [_nothing({**argument, "type": fixed[1]})] * int(fixed[2])
    return bytes(32) if kind == "bytes32" else 0


def _answer(rollup: SimulatedRollup, sender: str, data: bytes) -> object:
    try:
        return rollup.client.call(data, sender)
    except errors.Reverted as error:
        return error.reason


def test_only_listed_functions_look_at_who_the_owner_is() -> None:
    checking = set()
    for source in SOURCES.glob("*.vy"):
        if source.name == "token.vy":
            continue
        for name, body in re.findall(
            r"^def (\w+)\((.*?)(?=^@|\Z)", source.read_text(), re.M | re.S
        ):
            if re.search(r"_check_owner\(|self\.owner|governance\.owner", body):
                checking.add(name)
    assert checking == OWNERS | {"_check_owner", "accept_ownership", "__init__", "powers"}


def test_ownership_passes_in_two_steps(governed: SimulatedRollup) -> None:
    owner, heir, other = (_as(governed, number) for number in (1, 2, 3))
    assert owner.powers() == Powers(
        owner=owner.account.address,
        pending_owner=None,
        operator=governed.client.account.address,
        next_operator=None,
        next_operator_from=0,
        pause_end=0,
        sunset=0,
    )
    with pytest.raises(errors.NotPendingOwner):
        heir.accept_ownership()
    owner.transfer_ownership(other.account.address)
    owner.transfer_ownership(heir.account.address)
    assert owner.powers().owner == owner.account.address
    for nobody in (other, owner):
        with pytest.raises(errors.NotPendingOwner):
            nobody.accept_ownership()
    owner.transfer_ownership(NOBODY)
    with pytest.raises(errors.NotPendingOwner):
        heir.accept_ownership()
    owner.transfer_ownership(heir.account.address)
    heir.accept_ownership()
    powers = heir.powers()
    assert (powers.owner, powers.pending_owner) == (heir.account.address, None)
    with pytest.raises(errors.NotOwner):
        owner.pause()
    with pytest.raises(errors.NotPendingOwner):
        heir.accept_ownership()
    heir.pause()


def test_a_rollup_without_owner_has_nobody_with_powers(chain: Chain) -> None:
    free = deploy_simulated(chain, chain.accounts[0], owner=NOBODY)
    assert free.client.powers().owner is None
    with pytest.raises(errors.NotOwner):
        free.client.pause()


# --- pause -------------------------------------------------------------------------------------


def test_a_pause_stops_deposits_and_batches_and_nothing_else(governed: SimulatedRollup) -> None:
    client, owner, home = governed.client, _as(governed, 1), governed.client.account.address
    governed.fill_queue(1)
    client.submit_batch(governed.honest(1, governed.queue(1, 1), (payout(0, home, 4),)))
    batch = governed.honest(2)
    governed.try_submit(batch)
    owner.pause()
    with pytest.raises(errors.Paused):
        governed.try_submit(batch)
    with pytest.raises(errors.Paused):
        client.new_account(7, home, 10)
    with pytest.raises(errors.Paused):
        client.deposit(0, home, 10)
    for ask in _forced(client):
        ask()
    assert client.enqueued() == 6
    assert client.withdraw()[0] == 4 * 10**9
    owner.unpause()
    client.deposit(0, home, 10)
    client.submit_batch(governed.honest_batch([2, 3, 4], governed.queue(2, 7)))


def test_a_pause_never_stops_batches_once_an_op_has_waited_for_three_days(
    governed: SimulatedRollup,
) -> None:
    governed.fill_queue(1)
    governed.chain.advance_time(DAY_S)
    _as(governed, 1).pause()
    governed.chain.advance_time(2 * DAY_S - MINUTE_S)
    with pytest.raises(errors.Paused):
        governed.try_submit(governed.honest(1, governed.queue(1, 1)))
    governed.chain.advance_time(2 * MINUTE_S)
    stranger = governed.chain.accounts[7].address
    for sender in (governed.client.account.address, stranger):
        governed.try_submit(governed.honest(1, governed.queue(1, 1)), sender)
    governed.client.submit_batch(governed.honest(1, governed.queue(1, 1)))
    with pytest.raises(errors.Paused):  # the pause goes on, and nothing waits
        governed.try_submit(governed.honest(2))


def test_a_pause_stops_neither_the_exodus_nor_its_exits(rollup: SimulatedRollup) -> None:
    rollup.fill_queue(1)
    rollup.chain.advance_time(7 * DAY_S - MINUTE_S)
    rollup.client.pause()
    rollup.chain.advance_time(2 * MINUTE_S)
    _as(rollup, 7).start_exodus()
    client = rollup.client
    leaf = AccountExit(0, address_number(client.account.address), 10)
    prover = ExitProver(EXIT_KEY, client.state_root(), client.settings().domain)
    client.exodus_client().exit_account(leaf, prover.prove(leaf))
    assert rollup.client.withdraw()[0] == 10 * 10**9


def test_a_pause_ends_by_itself_after_three_days(governed: SimulatedRollup) -> None:
    owner = _as(governed, 1)
    owner.pause()
    governed.chain.advance_time(3 * DAY_S - MINUTE_S)
    with pytest.raises(errors.Paused):
        governed.try_submit(governed.honest(1))
    governed.chain.advance_time(2 * MINUTE_S)
    governed.fill_queue(1)
    governed.client.submit_batch(governed.honest(1, governed.queue(1, 1)))
    with pytest.raises(errors.NotPaused):
        owner.unpause()


def test_no_pause_within_thirty_days_of_the_last_ones_end(governed: SimulatedRollup) -> None:
    owner = _as(governed, 1)
    with pytest.raises(errors.NotPaused):
        owner.unpause()
    owner.pause()
    with pytest.raises(errors.PauseTooSoon):  # nor is one made longer
        owner.pause()
    governed.chain.advance_time(DAY_S)
    owner.unpause()
    for wait_s in (MINUTE_S, 30 * DAY_S - 3 * MINUTE_S):
        governed.chain.advance_time(wait_s)
        with pytest.raises(errors.PauseTooSoon):
            owner.pause()
    governed.chain.advance_time(3 * MINUTE_S)
    owner.pause()
    governed.chain.advance_time(32 * DAY_S)
    with pytest.raises(errors.PauseTooSoon):
        owner.pause()
    governed.chain.advance_time(DAY_S + MINUTE_S)
    owner.pause()


# --- operator ----------------------------------------------------------------------------------


def test_another_operator_takes_over_45_days_after_it_was_announced(
    governed: SimulatedRollup,
) -> None:
    owner, new, stranger = (_as(governed, number) for number in (1, 2, 7))
    with pytest.raises(errors.NoOperatorAnnounced):
        stranger.apply_operator()
    owner.announce_operator(stranger.account.address)
    governed.chain.advance_time(44 * DAY_S)
    owner.announce_operator(new.account.address)  # the time begins anew
    powers = owner.powers()
    assert powers.next_operator == new.account.address
    assert powers.next_operator_from - owner.latest_block().timestamp == 45 * DAY_S
    governed.chain.advance_time(45 * DAY_S - MINUTE_S)
    for client in (owner, new, stranger):
        with pytest.raises(errors.OperatorTooSoon):
            client.apply_operator()
    governed.try_submit(governed.honest(1))
    with pytest.raises(errors.NotOperator):
        governed.try_submit(governed.honest(1), new.account.address)
    governed.chain.advance_time(2 * MINUTE_S)
    with pytest.raises(errors.NotOperator):
        governed.try_submit(governed.honest(1), new.account.address)
    stranger.apply_operator()
    governed.try_submit(governed.honest(1), new.account.address)
    with pytest.raises(errors.NotOperator):
        governed.try_submit(governed.honest(1))
    powers = owner.powers()
    assert (powers.operator, powers.next_operator) == (new.account.address, None)
    first = governed.client.account.address
    assert operators_had(owner) == Operators(frozenset({first, new.account.address}))
    with pytest.raises(errors.NoOperatorAnnounced):
        stranger.apply_operator()


def test_where_old_states_are_gone_the_first_operator_is_said_to_be_missing(
    governed: SimulatedRollup, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, new = _as(governed, 1), _as(governed, 2)
    first = governed.client.account.address
    assert operators_had(owner) == Operators(frozenset({first}))
    owner.announce_operator(new.account.address)
    governed.chain.advance_time(45 * DAY_S)
    owner.apply_operator()
    whole = RollupClient.powers

    def pruned(client: RollupClient, block: int | None = None) -> Powers:
        if block is not None:
            raise errors.NoContract("test", client.address)
        return whole(client)

    monkeypatch.setattr(RollupClient, "powers", pruned)
    known = Operators(frozenset({new.account.address}), first_is_missing=True)
    assert operators_had(owner) == known


# --- sunset ------------------------------------------------------------------------------------


def test_after_an_announced_sunset_money_goes_out_only_and_at_its_end_everyone_leaves(
    governed: SimulatedRollup,
) -> None:
    client, owner, home = governed.client, _as(governed, 1), governed.client.account.address
    governed.fill_queue(1)
    owner.announce_sunset()
    announced = owner.powers().sunset
    assert announced == owner.latest_block().timestamp
    with pytest.raises(errors.AlreadyAnnounced):
        owner.announce_sunset()
    governed.chain.advance_time(30 * DAY_S - MINUTE_S)
    client.deposit(0, home, 10)
    client.submit_batch(governed.honest(1, governed.queue(1, 2), (payout(0, home, 4),)))
    governed.chain.advance_time(2 * MINUTE_S)
    with pytest.raises(errors.SunsetReached):
        client.deposit(0, home, 10)
    with pytest.raises(errors.SunsetReached):
        client.new_account(7, home, 10)
    for ask in _forced(client):
        ask()
    client.submit_batch(governed.honest_batch([2, 3, 4], governed.queue(3, 7)))
    assert client.withdraw()[0] == 4 * 10**9
    governed.chain.advance_time(30 * DAY_S - 3 * MINUTE_S)
    for sender in (owner, client):
        with pytest.raises(errors.TooEarlyForExodus):
            sender.start_exodus()
    governed.chain.advance_time(3 * MINUTE_S)
    client.submit_batch(governed.honest(5))
    _as(governed, 7).start_exodus()
    with pytest.raises(errors.ExodusStarted):
        governed.try_submit(governed.honest(6))
