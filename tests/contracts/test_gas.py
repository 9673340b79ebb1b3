"""What everything costs on L1 in the shipped shape, held by contracts/snapshots/gas.json.

After a change on purpose: WATTLANE_WRITE_SNAPSHOT=1 pytest tests/contracts/test_gas.py
"""

from __future__ import annotations

import json
import os
import re

import pytest

from contracts.abi import load
from contracts.batches import Payout, Submission
from contracts.build import SOURCES
from contracts.chain import Chain
from contracts.deploy import deploy_blueprint, rollup_arguments
from contracts.exodus import RAISE_TIME_S
from contracts.transactions import Receipt
from protocol.channels import Lane
from protocol.crypto.jubjub import Point
from protocol.crypto.schnorr import Signature
from protocol.exits import AccountExit, ChannelExit, LaneRaise
from prover.circuits.batch import DEFAULT_SHAPE
from tests.support.simulated_blobs import blob_batch
from tests.support.simulated_exodus import ExitProver
from tests.support.simulated_proofs import EXIT_KEY
from tests.support.simulated_rollup import SimulatedRollup, deploy_simulated

SNAPSHOT = SOURCES / "snapshots" / "gas.json"
CEILING_PLAIN_BATCH = 320_000
CEILING_BLOB_BATCH = 330_000
CEILING_FOUR_PROOFS, CEILING_SIXTEEN_PROOFS = 600_000, 1_500_000
NOISE = 400
"""Gas by which a run may differ: random proofs and roots have more or fewer zero bytes."""
EIP_170_BYTES = 24_576
SHAPE = DEFAULT_SHAPE
ELEMENT = (1 << 220) - 1
SIGNATURE = Signature(Point(2**250 + 1, 2**250 + 2), Point(2**250 + 3, 2**250 + 4), 2**250 + 5)
SEVEN_DAYS_S = 7 * 86_400


def test_gas_is_as_committed_and_a_plain_batch_below_its_ceiling(chain: Chain) -> None:
    measured = _measure(chain)
    if os.environ.get("WATTLANE_WRITE_SNAPSHOT"):
        SNAPSHOT.write_text(json.dumps(measured, indent=1) + "\n")
    committed = json.loads(SNAPSHOT.read_text())
    assert measured.keys() == committed.keys()
    for name, gas in measured.items():
        assert gas == pytest.approx(committed[name], abs=NOISE), name
    assert measured["batch without queue op or withdrawal, besides its data"] <= CEILING_PLAIN_BATCH
    proofs = "batch of {} proofs, the whole transaction with full data"
    assert measured["batch of 1 proof in a blob, the whole transaction"] <= CEILING_BLOB_BATCH
    assert measured[proofs.format(4)] <= CEILING_FOUR_PROOFS
    assert measured[proofs.format(16)] <= CEILING_SIXTEEN_PROOFS
    assert measured["most expensive call that is no batch"] < 250_000


def _measure(chain: Chain) -> dict[str, int]:
    rollup = deploy_simulated(chain, chain.accounts[0], shape=SHAPE)
    client, owner = rollup.client, rollup.client.account.address
    _, first_account = client.new_account(2**250 + 1, owner, 10**9)
    _, account = client.new_account(2**250 + 2, owner, 10**9)
    deposit = client.deposit(1, owner, 10**9)
    _batch(rollup, 2)  # writes what was zero, which costs more once
    one_op = _batch(rollup, 1)
    plain = _batch(rollup, 0)
    one_payout = _batch(rollup, 0, [0xA1])
    three_payouts = _batch(rollup, 0, [0xB1, 0xB2, 0xB3])
    several = {count: _several(rollup, count) for count in (1, 4, 16)}
    in_blobs = {count: _in_blob(rollup, count) for count in (1, 4, 16)}
    known_recipient = _batch(rollup, 0, [0xB1])
    _batch(rollup, 0, [int(owner, 16)])
    _, withdraw = client.withdraw()
    calls = {
        "new_account": account.gas_used,
        "deposit": deposit.gas_used,
        "change_key": client.change_key(1, 2**250 + 3).gas_used,
        "force_exit": client.force_exit(1).gas_used,
        "force_start_close": client.force_start_close(2**23, 2**31, Lane.BA).gas_used,
        "force_claim": client.force_claim(2**23, 2**31, Lane.BA, 2**95, SIGNATURE).gas_used,
        "force_finalize": client.force_finalize(2**23, 2**31).gas_used,
        "withdraw": withdraw.gas_used,
    }
    return {
        "batch without queue op or withdrawal, besides its data": plain,
        **{
            f"batch of {count} proof{'s' * (count > 1)}, the whole transaction with full data": gas
            for count, gas in several.items()
        },
        **{
            f"batch of {count} proof{'s' * (count > 1)} in a blob, the whole transaction": gas
            for count, gas in in_blobs.items()
        },
        "each queue op in a batch": one_op - plain,
        "a withdrawal in a batch, to a new recipient": one_payout - plain,
        "a withdrawal in a batch, to a recipient with some pending": known_recipient - plain,
        "each further withdrawal, to a new recipient": (three_payouts - one_payout) // 2,
        **calls,
        "most expensive call that is no batch": max(*calls.values(), first_account.gas_used),
        **_exits(rollup),
        "deployment": client.sender.rpc.quantity("eth_estimateGas", _deployment(rollup)),
    }


def _exits(rollup: SimulatedRollup) -> dict[str, int]:
    """What leaving costs, with numbers as long as they come; ends the rollup."""
    client, chain = rollup.client, rollup.chain
    client.new_account(2**250 + 3, client.account.address, 10**9)
    (op,) = rollup.queue(client.enqueued(), client.enqueued())
    chain.advance_time(SEVEN_DAYS_S + 1)
    start = client.start_exodus()
    exodus = client.exodus_client()
    prover = ExitProver(EXIT_KEY, client.state_root(), client.settings().domain)
    owner_a, owner_b = 2**159 + 1, 2**159 + 2
    account = AccountExit(2**23 + 1, owner_a, 2**63 + 1)
    channel = ChannelExit(2**23 + 1, 2**62 + 1, 2**62 + 2, 2**55, 2**54, owner_a, owner_b)
    voucher = LaneRaise(channel.slot, Lane.AB, 2**55 + 1)
    gas = {
        "start_exodus": start.gas_used,
        "exit_account": exodus.exit_account(account, prover.prove(account)).gas_used,
        "exit_channel": exodus.exit_channel(channel, prover.prove(channel)).gas_used,
        "raise_lane": exodus.raise_lane(voucher, prover.prove(voucher)).gas_used,
        "refund": exodus.refund(op).gas_used,
    }
    chain.advance_time(RAISE_TIME_S)
    return gas | {"settle": exodus.settle(channel.slot).gas_used}


def _batch(rollup: SimulatedRollup, op_count: int, recipients: list[int] | None = None) -> int:
    """Submit a batch with full data; its gas besides the data's 16 and 4 gas a byte."""
    processed = rollup.client.progress().processed
    ops = rollup.queue(processed + 1, processed + op_count)
    payouts = [
        Payout(8 * SHAPE.queue_slots + i, to, 10**9) for i, to in enumerate(recipients or [])
    ]
    statement = rollup.statement(
        2**250 + rollup.client.progress().batches,
        ops,
        payouts,
        data=(ELEMENT,) * SHAPE.data_length,
    )
    submission = rollup.submission(statement, ops, payouts)
    return _besides_data(rollup.client.submit_batch(submission), submission)


def _several(rollup: SimulatedRollup, count: int) -> int:
    """Submit a batch of several proofs with full data; all its gas."""
    first = 2**250 + 2**100
    statements = rollup.statements(
        [first + k for k in range(count)], data=(ELEMENT,) * (count * SHAPE.data_length)
    )
    return rollup.client.submit_batch(rollup.batch(statements)).gas_used


def _in_blob(rollup: SimulatedRollup, count: int) -> int:
    """The same with its data in a blob, whose own price is not gas."""
    first = 2**250 + 2**101
    statements = rollup.statements(
        [first + k for k in range(count)], data=(ELEMENT,) * (count * SHAPE.data_length)
    )
    batch = blob_batch(rollup, statements)
    return rollup.client.submit_blob_batch(batch.submission, batch.sidecar).gas_used


def _besides_data(receipt: Receipt, submission: Submission) -> int:
    data = b"".join(element.to_bytes(32, "big") for element in submission.data)
    return receipt.gas_used - sum(16 if byte else 4 for byte in data)


def _deployment(rollup: SimulatedRollup) -> dict[str, str]:
    client = rollup.client
    arguments = rollup_arguments(
        token=rollup.token.address,
        operator=client.account.address,
        owner=client.account.address,
        shape=SHAPE,
        key=rollup.key.key,
        exit_key=EXIT_KEY.key,
        exodus_blueprint=deploy_blueprint(client.sender, load("exodus")),
    )
    data = load("rollup").deployment(*arguments)
    return {"from": client.account.address, "data": "0x" + data.hex()}


def test_the_code_fits_what_a_chain_takes(chain: Chain) -> None:
    """With its immutables, which are the keys. Ref: EIP-170, EIP-3860."""
    rollup = deploy_simulated(chain, chain.accounts[0])
    code = chain.rpc.data("eth_getCode", rollup.client.address, "latest")
    print(f"the rollup's code: {len(code):,} of {EIP_170_BYTES:,} bytes")
    assert len(code) <= EIP_170_BYTES
    assert len(load("rollup").bytecode) + 32 * 150 <= 2 * EIP_170_BYTES


@pytest.mark.parametrize(
    ("page", "per_slot"),
    [("README.md", (1, 16)), ("protocol.md", (1, 4, 16)), ("0006-several-proofs.md", (1, 4, 16))],
)
def test_the_figures_in_the_docs_are_the_snapshots(page: str, per_slot: tuple[int, ...]) -> None:
    root = SOURCES.parent
    (path,) = [one for one in (root / "README.md", *root.glob("docs/**/*.md")) if one.name == page]
    text, committed = path.read_text(), json.loads(SNAPSHOT.read_text())
    for name, gas in committed.items():
        if told := re.fullmatch(r"batch of (\d+) proofs?, .*", name):
            count = int(told[1])
            if count in per_slot:
                assert f"{gas:,}" in text, name
                assert f"{round(gas / count / SHAPE.user_slots):,}" in text, name


def test_what_leaving_costs_is_told_as_measured() -> None:
    text = (SOURCES.parent / "docs" / "protocol.md").read_text()
    committed = json.loads(SNAPSHOT.read_text())
    for call in ("exit_account", "exit_channel", "raise_lane", "settle", "refund"):
        assert f"{call} {committed[call]:,}" in text


@pytest.mark.parametrize(("page", "counts"), [("protocol.md", (1, 4, 16)), ("0014-blobs.md", (1,))])
def test_the_figures_of_blob_batches_in_the_docs_are_the_snapshots(
    page: str, counts: tuple[int, ...]
) -> None:
    (path,) = [one for one in (SOURCES.parent / "docs").glob("**/*.md") if one.name == page]
    text, committed = path.read_text(), json.loads(SNAPSHOT.read_text())
    for count in counts:
        proofs = "1 proof" if count == 1 else f"{count} proofs"
        assert f"{committed[f'batch of {proofs} in a blob, the whole transaction']:,}" in text
