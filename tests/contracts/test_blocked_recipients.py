"""A batch pays into what is pending, never to an address: whoever cannot receive waits alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts import errors
from contracts.abi import contract_from
from contracts.build import compile_contract
from contracts.chain import Chain
from contracts.client import RollupClient
from contracts.deploy import deploy_contract
from contracts.rpc import Rpc
from contracts.transactions import Sender
from tests.support.simulated_rollup import deploy_simulated, payout

SOURCE = Path(__file__).parent / "sources" / "blocking.vy"


def test_who_cannot_receive_holds_up_nobody_else(embedded: Chain) -> None:
    source = contract_from(compile_contract(SOURCE))
    operator, blocked, other = embedded.accounts[:3]
    sender = Sender(Rpc(embedded.url), operator)
    token = deploy_contract(sender, source)

    def tell(function: str, *arguments: object) -> None:
        sender.send(token, source.functions[function].encode_call(*arguments))

    rollup = deploy_simulated(embedded, operator, token=token, decimals=9)
    tell("mint", operator.address, 1_000)
    rollup.client.new_account(1, operator.address, 1_000)
    tell("set_blocked", blocked.address, True)
    contract_itself = rollup.client.address
    paid = [payout(i, who, 100) for i, who in enumerate((blocked.address, other.address, token))]
    rollup.client.submit_batch(rollup.honest(7, rollup.queue(1, 1), paid))
    assert rollup.client.state_root() == 7

    owed = {who: RollupClient(embedded.url, contract_itself, who) for who in (blocked, other)}
    with pytest.raises(errors.OtherRevert, match="blocked"):
        owed[blocked].withdraw()
    owed[other].withdraw()
    assert rollup.client.token().balance_of(other.address) == 100
    assert rollup.client.pending_ntok(blocked.address) == 100
    tell("set_blocked", blocked.address, False)
    owed[blocked].withdraw()
    assert rollup.client.token().balance_of(blocked.address) == 100
    rollup.client.submit_batch(rollup.honest(8))
