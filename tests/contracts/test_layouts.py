"""The contract's layouts are those of the golden vectors that protocol and circuits share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contracts.abi import Contract, contract_from
from contracts.batches import Payout, messages_of
from contracts.build import compile_contract
from contracts.chain import Chain
from contracts.deploy import deploy_contract
from contracts.queue_ops import queue_op_from
from contracts.transactions import Sender
from protocol.batch import Shape, domain_of
from protocol.queue import NO_OPS_HASH
from tests.vectors import generate

LAYOUTS: dict[str, Any] = json.loads(generate.FILE.read_text())
Run = Callable[..., Any]


def _int(text: str) -> int:
    return int(text, 16)


def _ints(texts: list[str]) -> list[int]:
    return [int(text, 16) for text in texts]


@pytest.fixture(scope="module")
def source() -> Contract:
    """The layout functions, compiled once."""
    return contract_from(compile_contract(Path(__file__).parent / "sources" / "layouts.vy"))


@pytest.fixture(scope="module")
def run(chain: Chain, source: Contract) -> Run:
    """Calls one of the contract's layout functions."""
    address = deploy_contract(Sender(chain.rpc, chain.accounts[0]), source)

    def call(function: str, *arguments: object) -> Any:
        entry = source.functions[function]
        data = "0x" + entry.encode_call(*arguments).hex()
        result = chain.rpc.data("eth_call", {"to": address, "data": data}, "latest")
        return entry.decode_result(result)[0]

    return call


def test_queue_hashes(run: Run) -> None:
    previous = NO_OPS_HASH
    for number, entry in enumerate(LAYOUTS["queue"], 1):
        elements, payer = _ints(entry["elements"]), _int(entry["fields"]["payer"])
        previous = run("chain_hash", previous, (elements, payer.to_bytes(20, "big")))
        assert previous == bytes.fromhex(entry["rolling_hash"][2:])
        op = queue_op_from(number, elements, payer)
        assert op is not None
        assert op.elements() == tuple(elements)
        for field, given in entry["fields"].items():
            assert getattr(op, field) == _int(given), field


def test_messages_and_evaluations(run: Run) -> None:
    checked = 0
    for batch in LAYOUTS["batches"]:
        for proof in batch["proofs"]:
            shape = Shape(int(proof["queue_slots"]), int(proof["user_slots"]))
            messages = _ints(proof["messages"])
            consumed = [LAYOUTS["queue"][number - 1] for number in proof["ops"]]
            ops = [
                (_ints(op["elements"]), _int(op["fields"]["payer"]).to_bytes(20, "big"))
                for op in consumed
            ]
            first = 8 * shape.queue_slots
            payouts = [
                (first + i, (word % 2**160).to_bytes(20, "big"), word >> 160)
                for i, word in enumerate(messages[first:])
                if word
            ]
            expected = run("expected_messages", ops, payouts, *_shape(shape))
            assert list(expected) == messages
            mirrored = [Payout(at, int.from_bytes(to, "big"), amount) for at, to, amount in payouts]
            parsed = [
                queue_op_from(number, _ints(op["elements"]), _int(op["fields"]["payer"]))
                for number, op in zip(proof["ops"], consumed, strict=True)
            ]
            assert messages_of(shape, [op for op in parsed if op], mirrored) == tuple(messages)
            z, y_data, y_msg = _ints(proof["public_inputs"])[4:]
            assert run("evaluate", _ints(proof["data"]), z) == y_data
            assert run("evaluate", messages, z) == y_msg
            checked += len(ops) + len(payouts)
    assert checked >= 3


def test_the_challenge_of_a_batch_of_one_proof(run: Run) -> None:
    singles = [batch for batch in LAYOUTS["batches"] if len(batch["proofs"]) == 1]
    assert singles
    for batch in singles:
        (proof,) = batch["proofs"]
        old_root, new_root, context, digest, z = _ints(proof["public_inputs"])[:5]
        data, messages = _ints(proof["data"]), _ints(proof["messages"])
        assert run("challenge", old_root, new_root, context, digest, data, messages) == z
        assert z == _int(batch["z"])


def test_the_domain() -> None:
    domain = LAYOUTS["domain"]
    assert domain_of(domain["chain_id"], _int(domain["contract"])) == _int(domain["domain"])


def _shape(shape: Shape) -> tuple[int, int]:
    return shape.queue_slots, shape.user_slots
