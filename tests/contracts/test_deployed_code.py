"""Code that only looks like a rollup is told from one, whatever it answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contracts import deployed_code
from contracts.abi import Contract, load
from contracts.deploy import deploy_contract
from contracts.deployed_code import check_code, check_rollup_code, code_at
from contracts.errors import NoContract, WrongCode
from contracts.transactions import Sender
from tests.support.simulated_rollup import SimulatedRollup


def test_a_deployed_rollup_and_its_exodus_hold_the_committed_code(shared: SimulatedRollup) -> None:
    """Also that of the token; their immutables differ in every deployment."""
    check_rollup_code(shared.client)
    check_code(shared.client.rpc, "token", shared.client.settings().token)


def test_one_byte_of_code_makes_the_difference(
    shared: SimulatedRollup, monkeypatch: pytest.MonkeyPatch
) -> None:
    committed = load("exodus")
    altered = bytearray(committed.runtime)
    altered[1_000] ^= 1

    def other(name: str) -> Contract:
        return replace(committed, runtime=bytes(altered)) if name == "exodus" else load(name)

    monkeypatch.setattr(deployed_code, "load", other)
    with pytest.raises(WrongCode, match="byte 1000 differs"):
        check_rollup_code(shared.client)


def test_a_contract_that_was_really_altered_is_found(shared: SimulatedRollup) -> None:
    """One byte of the code that a constructor leaves behind: it deploys, and answers alike."""
    client = shared.client
    token = load("token")
    at = token.bytecode.index(token.runtime) + len(token.runtime) - 1
    altered = bytearray(token.bytecode)
    altered[at] ^= 1
    sender = Sender(client.rpc, client.account)
    forged = replace(token, bytecode=bytes(altered))
    address = deploy_contract(sender, forged, "Forged", "F", 9)
    with pytest.raises(WrongCode, match=f"byte {len(token.runtime) - 1} differs"):
        check_code(client.rpc, "token", address)


def test_another_contract_and_no_contract_are_named(shared: SimulatedRollup) -> None:
    rpc, token = shared.client.rpc, shared.client.settings().token
    with pytest.raises(WrongCode, match="bytes, not"):
        check_code(rpc, "rollup", token)
    with pytest.raises(NoContract):
        check_code(rpc, "rollup", "0x" + "12" * 20)
    assert code_at(rpc, "0x" + "12" * 20) == b""
