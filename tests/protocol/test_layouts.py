"""The committed layouts are what the code makes, and what the tables of docs/protocol.md say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from eth_hash.auto import keccak

from protocol import data
from protocol.batch import digest_of, evaluate, public_inputs
from protocol.crypto.field import R
from protocol.crypto.poseidon import Tag, h2, h4
from protocol.transactions import TxType
from tests.vectors import generate

LAYOUTS: dict[str, Any] = json.loads(generate.FILE.read_text())

# Written out once more by hand: type -> (field, first bit, bits), from docs/protocol.md.
PLACES = {
    "NOOP": [],
    "TRANSFER": [
        ("from_index", 4, 24),
        ("to_index", 28, 24),
        ("amount_ntok", 52, 64),
        ("fee_ntok", 116, 32),
    ],
    "WITHDRAW": [("index", 4, 24), ("amount_ntok", 28, 64), ("fee_ntok", 92, 32)],
    "OPEN": [
        ("a_index", 4, 24),
        ("b_index", 28, 24),
        ("slot", 52, 24),
        ("deposit_ntok", 76, 64),
        ("fee_ntok", 140, 32),
        ("window_s", 172, 32),
    ],
    "TOP_UP": [("slot", 4, 24), ("side", 28, 1), ("amount_ntok", 29, 64), ("fee_ntok", 93, 32)],
    "CLAIM": [("slot", 4, 24), ("lane", 28, 1), ("lane_value", 29, 96)],
    "START_CLOSE": [("slot", 4, 24), ("side", 28, 1)],
    "CLOSE": [("slot", 4, 24), ("lane_ab", 28, 96), ("lane_ba", 124, 96)],
    "FINALIZE": [("slot", 4, 24)],
}
OP_CODES = {
    "NEW_ACCOUNT": 1,
    "DEPOSIT": 2,
    "KEY_CHANGE": 3,
    "FORCED_EXIT": 4,
    "FORCED_START_CLOSE": 5,
    "FORCED_CLAIM": 6,
    "FORCED_FINALIZE": 7,
}
WIDTHS = {
    "TRANSFER": 148,
    "WITHDRAW": 124,
    "OPEN": 204,
    "TOP_UP": 125,
    "CLAIM": 125,
    "START_CLOSE": 29,
    "CLOSE": 220,
    "FINALIZE": 28,
}


def number(text: str) -> int:
    return int(text, 16)


def numbers(texts: list[str]) -> list[int]:
    return [int(text, 16) for text in texts]


def words(elements: list[int]) -> bytes:
    return b"".join(element.to_bytes(32, "big") for element in elements)


def test_the_committed_file_is_what_the_generator_writes() -> None:
    assert generate.FILE.read_text() == generate.text()


@pytest.mark.parametrize("entry", LAYOUTS["data_elements"], ids=lambda one: str(one["type"]))
def test_each_field_of_a_data_element_stands_where_the_table_says(entry: dict[str, Any]) -> None:
    kind = entry["type"]
    expected = TxType[kind].value + sum(
        number(entry["fields"][field]) << first for field, first, _ in PLACES[kind]
    )
    element = number(entry["element"])
    assert element == expected < 2**254
    record = data.unpack(element)
    assert record.type is TxType[kind]
    assert record.values == {name: number(value) for name, value in entry["fields"].items()}


def test_the_widths_are_those_of_the_table() -> None:
    for kind, width in WIDTHS.items():
        _, first, bits = PLACES[kind][-1]
        assert first + bits == width
        largest = max(
            number(one["element"]) for one in LAYOUTS["data_elements"] if one["type"] == kind
        )
        assert largest.bit_length() == width


def test_queue_ops_reach_the_circuit_as_the_table_says_and_chain_on_l1() -> None:
    rolling = bytes(32)
    for entry in LAYOUTS["queue"]:
        given = {name: value for name, value in entry["fields"].items() if name != "signature"}
        fields = {name: number(value) for name, value in given.items()}
        code, payer = OP_CODES[entry["op"]], number(entry["payer"])
        index = fields["index"] if code <= 4 else fields["slot"]
        side = fields.get("side", fields.get("lane", 0))
        first = code + index * 2**8 + side * 2**32 + fields["enqueue_time"] * 2**40
        first += fields.get("epoch", 0) * 2**80
        second = {6: fields.get("lane_value", 0), 7: 0}.get(code, fields.get("owner", payer))
        second += fields.get("amount_ntok", 0) * 2**160
        rest = [fields.get("key_hash", 0), 0, 0, 0, 0]
        if code == 6:
            rest = numbers(entry["fields"]["signature"])
        elements = [first, second, *rest]
        assert numbers(entry["elements"]) == elements
        assert all(element < R for element in elements)
        rolling = keccak(rolling + words([*elements, payer]))
        assert entry["rolling_hash"] == "0x" + rolling.hex()


def test_the_domain_is_the_abi_encoding_that_a_contract_hashes() -> None:
    given = LAYOUTS["domain"]
    encoded = words([96, given["chain_id"], number(given["contract"]), 8]) + b"wattlane" + bytes(24)
    assert number(given["domain"]) == int.from_bytes(keccak(encoded)[16:], "big")


def test_contexts_and_headers_are_packed_as_the_tables_say() -> None:
    for entry in LAYOUTS["contexts"]:
        packed = number(entry["domain"]) + entry["l1_time"] * 2**128
        assert number(entry["element"]) == packed + entry["queue_covered"] * 2**168
    for entry in LAYOUTS["headers"]:
        packed = entry["operator_index"] + entry["consumed"] * 2**24
        assert number(entry["element"]) == packed


def test_the_leaves_hash_as_section_3_says() -> None:
    for entry in LAYOUTS["leaves"]:
        fields = entry.get("account") or entry["channel"]
        v = {name: int(value) for name, value in fields.items()}
        if "account" in entry:
            expected = h4(
                Tag.ACCOUNT,
                v["key_hash"],
                v["l1_address"] + v["nonce"] * 2**160,
                v["balance_ntok"],
                v["sold_wh"] + v["bought_wh"] * 2**96,
            )
        else:
            identity = v["a_index"] + v["b_index"] * 2**32 + v["epoch"] * 2**64
            expected = h4(
                Tag.CHANNEL,
                identity + v["window_s"] * 2**96 + v["status"] * 2**128 + v["deadline"] * 2**136,
                v["deposit_a_ntok"] + v["deposit_b_ntok"] * 2**64,
                v["lane_ab"] + v["lane_ba"] * 2**96,
                h2(Tag.KEYS, v["key_hash_a"], v["key_hash_b"]),
            )
        assert number(entry["leaf_hash"]) == expected


def expected_message(kind: str, v: dict[str, int], domain: int) -> int:
    dv = domain + v.get("valid_until", 0) * 2**128
    paid = v.get("amount_ntok", 0) + v.get("fee_ntok", 0) * 2**64
    nonce = v.get("nonce", 0)
    match kind:
        case "TRANSFER":
            who = v["from_index"] + v["to_index"] * 2**32 + nonce * 2**64
            return h4(Tag.TRANSFER, dv, who, paid, 0)
        case "WITHDRAW":
            return h4(Tag.WITHDRAW, dv, v["index"] + nonce * 2**64, paid, 0)
        case "OPEN":
            who = v["a_index"] + v["b_index"] * 2**32 + nonce * 2**64
            terms = v["deposit_ntok"] + v["fee_ntok"] * 2**64 + v["window_s"] * 2**128
            return h4(Tag.OPEN, dv, who, terms, 0)
        case "TOP_UP":
            who = v["channel_id"] + v["side"] * 2**96 + nonce * 2**104
            return h4(Tag.TOP_UP, dv, who, paid, 0)
        case "CLAIM":
            where = v["channel_id"] + v["lane"] * 2**96
            return h4(Tag.VOUCHER, domain, where, v["lane_value"], 0)
        case "START_CLOSE":
            who = v["channel_id"] + v["side"] * 2**96 + nonce * 2**104
            return h4(Tag.START_CLOSE, dv, who, 0, 0)
        case _:
            lanes = v["lane_ab"] + v["lane_ba"] * 2**96
            deposits = v["deposit_a_ntok"] + v["deposit_b_ntok"] * 2**64
            return h4(Tag.CLOSE, dv, v["channel_id"], lanes, deposits)


@pytest.mark.parametrize("entry", LAYOUTS["signed_messages"], ids=lambda one: str(one["type"]))
def test_messages_are_packed_as_section_4_says(entry: dict[str, Any]) -> None:
    body = {name: int(value) for name, value in entry["body"].items()}
    domain = number(LAYOUTS["domain"]["domain"])
    assert number(entry["message"]) == expected_message(entry["type"], body, domain)


def test_messages_of_different_types_never_collide() -> None:
    messages = [entry["message"] for entry in LAYOUTS["signed_messages"]]
    assert len(set(messages)) == len(messages)


def test_batches_chain_and_their_public_inputs_follow_from_data_and_messages() -> None:
    root = number(LAYOUTS["genesis_root"])
    for batch in LAYOUTS["batches"]:
        proofs, z = batch["proofs"], number(batch["z"])
        data = [e for proof in proofs for e in numbers(proof["data"])]
        consumed = [LAYOUTS["queue"][n - 1] for proof in proofs for n in proof["ops"]]
        commitment = bytes(32)
        for op in consumed:
            commitment = keccak(commitment + words(numbers(op["elements"])))
        for k, proof in enumerate(proofs):
            for i, output in enumerate(numbers(proof["messages"]), 20 * k):
                if output and i % 20 in (7, 15, 16, 17, 18, 19):
                    commitment = keccak(commitment + words([output + i * 2**224]))
        head = keccak(b"wattlane-z") + words([0, len(proofs)])
        chained = keccak(head + keccak(words([32, len(data), *data])) + commitment)
        named = bytes.fromhex(batch["blob"]["versioned_hash"][2:])
        in_blob = keccak(keccak(b"wattlane-z") + words([1, len(proofs)]) + named + commitment)
        for proof in proofs:
            digest, z_given, y_data, y_msg = numbers(proof["public_inputs"])
            old_root, new_root, context = links = numbers(proof["links"])
            elements, messages = numbers(proof["data"]), numbers(proof["messages"])
            assert (len(elements), len(messages)) == (1 + 4, 8 * 2 + 4)
            assert old_root == root
            assert digest == digest_of(elements, messages, links)
            assert (z_given, y_data, y_msg) == (
                z,
                evaluate(elements, z),
                evaluate([*messages, *links], z),
            )
            bound = words([old_root, new_root, context, digest])
            chained, in_blob = keccak(chained + bound), keccak(in_blob + bound)
            root = new_root
        assert z == int.from_bytes(chained, "big") % R
        assert number(batch["blob"]["z"]) == int.from_bytes(in_blob, "big") % R != z


def test_the_batches_hold_every_transaction_type_and_a_withdrawal() -> None:
    executed = [proof for batch in generate.executed_batches() for proof in batch]
    kinds = {trace.transaction.body.TYPE for proof in executed for trace in proof.users}
    assert kinds == set(TxType) - {TxType.NOOP}
    paid = [t.withdrawal for proof in executed for t in proof.users if t.withdrawal]
    assert [one.amount_ntok for one in paid] == [12_345]
    exits = [t.withdrawal for proof in executed for t in proof.queue if t.withdrawal]
    assert [one.l1_address for one in exits] == [generate.OWNERS[0]]
    last = executed[-1]
    assert last.messages[last.shape.queue_output(0)] == exits[0].element() > 2**160
    assert public_inputs(executed[0], 5).z == 5
