"""The contract's layouts are those of the golden vectors that protocol and circuits share."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_hash.auto import keccak

from contracts.abi import Contract, contract_from
from contracts.batches import Payout, messages_of
from contracts.build import SOURCES, compile_contract
from contracts.chain import Chain
from contracts.deploy import QUEUE_FEE_WEI, deploy_contract
from contracts.queue_ops import queue_op_from
from contracts.transactions import Sender
from protocol.batch import Shape, domain_of, evaluate
from protocol.crypto.field import R
from protocol.queue import NO_OPS_HASH, ForcedClaim
from tests.support.simulated_proofs import SimulatedKey
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
    key = SimulatedKey().key.for_contract()
    address = deploy_contract(Sender(chain.rpc, chain.accounts[0]), source, key)

    def call(function: str, *arguments: object) -> Any:
        entry = source.functions[function]
        data = "0x" + entry.encode_call(*arguments).hex()
        result = chain.rpc.data("eth_call", {"to": address, "data": data}, "latest")
        values = entry.decode_result(result)
        return values if len(values) > 1 else next(iter(values), None)

    return call


def test_queue_hashes(run: Run) -> None:
    previous = NO_OPS_HASH
    for number, entry in enumerate(LAYOUTS["queue"], 1):
        elements, payer = _ints(entry["elements"]), _int(entry["payer"])
        previous = run("chain_hash", previous, (elements, payer.to_bytes(20, "big")))
        assert previous == bytes.fromhex(entry["rolling_hash"][2:])
        op = queue_op_from(number, elements, payer)
        assert op is not None
        assert op.elements() == tuple(elements)
        assert run("enqueue_time", elements) == op.enqueue_time
        for field, given in entry["fields"].items():
            if isinstance(op, ForcedClaim) and field == "signature":
                sig = op.signature
                found = [sig.key.x, sig.key.y, sig.r.x, sig.r.y, sig.s]
                assert found == _ints(given)
            else:
                assert getattr(op, field) == _int(given), field


def test_messages_and_evaluations(run: Run) -> None:
    """What ops and withdrawals add up to at z is what all W elements give there."""
    checked = 0
    for batch in LAYOUTS["batches"]:
        for proof in batch["proofs"]:
            shape = Shape(int(proof["queue_slots"]), int(proof["user_slots"]))
            messages, consumed = _ints(proof["messages"]), _consumed(proof)
            payouts = _payouts(shape, messages)
            parsed = [
                queue_op_from(number, _ints(op["elements"]), _int(op["payer"]))
                for number, op in zip(proof["ops"], consumed, strict=True)
            ]
            assert messages_of(shape, [op for op in parsed if op], payouts) == tuple(messages)
            _, z, y_data, y_msg = _ints(proof["public_inputs"])
            terms = [run("op_at", _ints(op["elements"]), j, z) for j, op in enumerate(consumed)]
            for payout in payouts:
                assert Payout.from_word(payout.word()) == payout
                limits = (1, len(consumed), shape.queue_slots, shape.user_slots)
                run("check_withdrawal", payout.word(), *limits)
                terms.append(run("withdrawal_at", payout.word(), shape.message_length, z))
            assert sum(terms) % R == evaluate(messages, z)
            links, z_w = _ints(proof["links"]), run("power", z, shape.message_length)
            terms.append(run("links_at", *links, z, z_w))
            assert sum(terms) % R == y_msg == evaluate((*messages, *links), z)
            powers = [run("power", z, i) for i in range(shape.data_length)]
            data = _ints(proof["data"])
            assert sum(x * p for x, p in zip(data, powers, strict=True)) % R == y_data
            checked += len(terms)
    assert checked >= 3


def test_the_challenge_of_batches_of_one_proof_and_of_two(run: Run) -> None:
    assert {len(batch["proofs"]) for batch in LAYOUTS["batches"]} == {1, 2}
    for batch in LAYOUTS["batches"]:
        proofs, data = batch["proofs"], []
        commitment, outputs = bytes(32), []
        for k, proof in enumerate(proofs):
            shape = Shape(int(proof["queue_slots"]), int(proof["user_slots"]))
            data += _ints(proof["data"])
            for op in _consumed(proof):
                commitment = run("bind_op", commitment, _ints(op["elements"]))
            outputs += [
                replace(payout, position=payout.position + k * shape.message_length)
                for payout in _payouts(shape, _ints(proof["messages"]))
            ]
        for payout in outputs:
            commitment = run("bind_withdrawal", commitment, payout.word())
        named = bytes.fromhex(batch["blob"]["versioned_hash"][2:])
        for start, z in (
            (run("start", len(proofs), data, commitment), batch["z"]),
            (run("start_blob", len(proofs), named, commitment), batch["blob"]["z"]),
        ):
            chained = start
            for proof in proofs:
                digest = _int(proof["public_inputs"][0])
                chained = run("bind", chained, *_ints(proof["links"]), digest)
            assert int.from_bytes(chained, "big") % R == _int(z)


def test_the_weights_of_several_proofs(run: Run) -> None:
    """docs/protocol.md, Appendix A; every word that goes in counts."""
    key = SimulatedKey().key.for_contract()
    points = [word for point in (*key[:4], *key[4]) for word in point]
    seed = run("key_hash")
    assert seed == _keccak(*points)
    words = list(range(1, 23))
    bound = run("bind_proof", seed, *_nested(words))
    assert bound == _keccak(int.from_bytes(seed, "big"), *words)
    others = {run("bind_proof", _flipped(seed), *_nested(words))}
    for i in range(len(words)):
        changed = [*words[:i], words[i] + 2**255, *words[i + 1 :]]
        others.add(run("bind_proof", seed, *_nested(changed)))
    assert len({bound, *others}) == 2 + len(words)

    assert run("weight", bound, 0) == 1
    weights = [run("weight", bound, k) for k in range(1, 16)]
    for k, weight in enumerate(weights, 1):
        hashed = int.from_bytes(_keccak(int.from_bytes(bound, "big"), k), "big")
        assert weight == 1 + hashed % 2**128
    assert len(set(weights)) == len(weights)
    assert 2**123 < max(weights) <= 2**128


def _keccak(*words: int) -> bytes:
    return bytes(keccak(b"".join(word.to_bytes(32, "big") for word in words)))


def _flipped(hashed: bytes) -> bytes:
    return bytes([hashed[0] ^ 1]) + hashed[1:]


def _nested(words: list[int]) -> tuple[int, tuple[object, ...]]:
    """z and a proof, from 22 words in their order."""
    return words[0], (*words[1:6], (words[6:10], words[10:18], words[18:22]))


def test_the_fee_doubles_with_every_1_000_pending_ops_up_to_64_times(run: Run) -> None:
    base = QUEUE_FEE_WEI
    for processed in (0, 5, 10**9):
        for thousands in range(9):
            times = 2 ** min(thousands, 6)
            for pending in (1_000 * thousands, 1_000 * thousands + 999):
                assert run("fee_wei", processed + pending, processed) == times * base
        assert run("fee_wei", processed + 10**12, processed) == 64 * base


def test_what_it_costs_to_fill_the_queue(run: Run) -> None:
    """docs/protocol.md section 6 states these sums."""
    total, reached = 0, {}
    for pending in range(0, 20_000, 1_000):  # the fee is constant in between
        reached[pending] = total
        total += 1_000 * int(run("fee_wei", pending, 0))
    ether = {pending: total / 10**18 for pending, total in reached.items()}
    assert ether[1_000] == 0.01
    assert ether[2_000] == 0.03
    assert ether[6_000] == 0.63
    assert ether[7_000] == 1.27
    assert ether[19_000] == 8.95
    text = (SOURCES.parent / "docs" / "protocol.md").read_text()
    for pending in (1_000, 6_000, 19_000):
        assert f"{pending:,} waiting ops cost {ether[pending]:g} ether" in text


def test_the_standing_is_six_numbers_of_40_bits_in_one_word(run: Run) -> None:
    for place in range(6):
        for number in (1, 2**40 - 1):
            fields = tuple(number if i == place else 0 for i in range(6))
            word, loaded = run("pack", fields)
            assert (word, loaded) == (number << 40 * place, fields)
    largest = (2**40 - 1,) * 6
    assert run("pack", largest) == (2**240 - 1, largest)


def test_powers_of_z(run: Run) -> None:
    z = 2**254 + 12345
    for exponent in (0, 1, 2, 7, 8, 64, 95, 127):
        assert run("power", z, exponent) == pow(z, exponent, R)


def test_the_domain() -> None:
    domain = LAYOUTS["domain"]
    assert domain_of(domain["chain_id"], _int(domain["contract"])) == _int(domain["domain"])


def _consumed(proof: dict[str, Any]) -> list[dict[str, Any]]:
    return [LAYOUTS["queue"][number - 1] for number in proof["ops"]]


def _payouts(shape: Shape, messages: list[int]) -> list[Payout]:
    outputs = [shape.queue_output(j) for j in range(shape.queue_slots)]
    outputs += [shape.user_output(i) for i in range(shape.user_slots)]
    return [
        Payout(place, messages[place] % 2**160, messages[place] >> 160)
        for place in outputs
        if messages[place]
    ]
