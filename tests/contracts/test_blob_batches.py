"""Batches whose data are in a blob, in real type 3 transactions: each rule broken alone."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from contracts import errors
from contracts.abi import contract_from
from contracts.batches import BlobLink, submission_from_calldata
from contracts.blob_archive import BlobArchive
from contracts.blob_sources import BlobSources, BlobUnavailable
from contracts.build import SOURCES, compile_contract
from contracts.chain import Chain
from contracts.client import RollupReader
from contracts.deploy import deploy_contract
from contracts.finality import LATEST
from contracts.kzg import open_at
from protocol.batch import challenge, evaluate
from protocol.crypto.field import R
from tests.support.simulated_blobs import (
    BlobBatch,
    blob_batch,
    sidecar_of,
    try_blob_batch,
    try_calldata,
)
from tests.support.simulated_rollup import (
    SHAPE,
    SimulatedRollup,
    deploy_simulated,
    payout,
    with_proof,
)

RECIPIENT = "0x" + 38 * "0" + "AB"
HEAD_WORDS = 5 + 3


@pytest.fixture(scope="module")
def shared(anvil: Chain) -> SimulatedRollup:
    """For what is refused, one chain is enough: the other's precompile is compared with its."""
    return deploy_simulated(anvil, anvil.accounts[0])


@pytest.fixture(scope="module")
def honest(shared: SimulatedRollup) -> BlobBatch:
    """Of two proofs; nobody submits it."""
    return blob_batch(shared, shared.statements([5, 6]))


def test_batches_of_both_modes_move_the_root_and_are_read_back_whole(
    rollup: SimulatedRollup, tmp_path: Path
) -> None:
    client = rollup.client
    rollup.fill_queue(1)
    ops, paid = rollup.queue(1, 1), (payout(1, RECIPIENT, 7, 1),)
    first = blob_batch(rollup, rollup.statements([11, 12], ops, paid), ops, paid)
    client.submit_blob_batch(first.submission, first.sidecar)
    assert (client.state_root(), client.pending_ntok(RECIPIENT)) == (12, 7)
    second = rollup.honest(13)
    client.submit_batch(second)
    third = blob_batch(rollup, [rollup.statement(14, data=(R - 1, 0, 1, 2))])
    client.submit_blob_batch(third.submission, third.sidecar)

    sent = [first.submission, second, third.submission]
    batches = list(client.batches())
    assert [batch.submission for batch in batches] == sent
    domain = client.settings().domain
    for batch in batches:
        statements = batch.statements(SHAPE, domain)
        z = challenge(statements, batch.submission.versioned_hash)
        for statement, proof in zip(statements, batch.submission.proofs, strict=True):
            inputs = statement.public_inputs(z)
            assert (inputs.y_data, inputs.y_msg) == (proof.y_data, proof.y_msg)

    archive = BlobArchive(tmp_path)
    reader = RollupReader(
        rollup.chain.url, client.address, finality=LATEST, blobs=BlobSources((archive,))
    )
    wanted = list(reader.wanted_blobs())
    assert [one.batch for one in wanted] == [1, 3]
    with pytest.raises(BlobUnavailable, match="batch 1"):
        list(reader.batches())
    for one in wanted:
        archive.keep(one.versioned_hash, client.blobs.find(one))
    assert [batch.submission for batch in reader.batches()] == sent
    assert reader.batch(3) == batches[2]


def test_what_another_batchs_blob_holds_is_refused(
    shared: SimulatedRollup, honest: BlobBatch
) -> None:
    """In the transaction, z is another; in the link, the commitment is not the blob's."""
    statements = shared.statements([5, 6])
    other = sidecar_of(statements, 1)
    with pytest.raises(errors.MessagesMismatch):
        try_blob_batch(shared, honest, [other.versioned_hash])
    z = challenge(statements, honest.sidecar.versioned_hash)
    opening = open_at(other.blob, z)
    swapped = honest.linked(commitment=other.commitment, opening_proof=opening.proof)
    with pytest.raises(errors.BlobMismatch):
        try_blob_batch(shared, swapped)


def test_an_opening_at_another_point_is_refused(shared: SimulatedRollup) -> None:
    statements = shared.statements([5, 6])
    z = challenge(statements, sidecar_of(statements).versioned_hash)
    for elsewhere in ((z + 1) % R, 0):
        with pytest.raises(errors.BlobMismatch):
            try_blob_batch(shared, blob_batch(shared, statements, opened_at=elsewhere))


@pytest.mark.parametrize("number", [0, 1])
def test_data_at_z_that_are_not_the_blobs_are_refused(shared: SimulatedRollup, number: int) -> None:
    statements = shared.statements([5, 6])
    z = challenge(statements, sidecar_of(statements).versioned_hash)
    inputs = [one.public_inputs(z) for one in statements]
    inputs[number] = replace(inputs[number], y_data=(inputs[number].y_data + 1) % R)
    with pytest.raises(errors.BlobMismatch):
        try_blob_batch(shared, blob_batch(shared, statements, inputs=inputs))


def test_a_wrong_commitment_or_proof_is_refused(shared: SimulatedRollup, honest: BlobBatch) -> None:
    infinity = b"\xc0" + bytes(47)
    link = honest.submission.link
    assert link is not None
    for changed in (
        honest.linked(commitment=infinity),
        honest.linked(commitment=link.opening_proof),
        honest.linked(commitment=b"\x80" + bytes(47)),
        honest.linked(opening_proof=infinity),
        honest.linked(opening_proof=link.commitment),
        honest.linked(opening_proof=bytes(48)),
        honest.linked(opening_proof=b"\xff" * 48),
    ):
        with pytest.raises(errors.BlobMismatch):
            try_blob_batch(shared, changed)


def test_exactly_one_blob_is_carried(shared: SimulatedRollup, honest: BlobBatch) -> None:
    own, other = honest.sidecar.versioned_hash, sidecar_of(()).versioned_hash
    try_blob_batch(shared, honest, [own])
    for hashes in ([own, own], [own, other], [other, own]):
        with pytest.raises(errors.NotOneBlob):
            try_blob_batch(shared, honest, hashes)
    with pytest.raises(errors.NotOneBlob):
        try_calldata(shared, honest.submission.calldata(), [])


@pytest.mark.parametrize("place", [0, 1, 4_095 - 2 * SHAPE.data_length])
def test_a_blob_that_holds_more_than_the_data_is_refused(
    shared: SimulatedRollup, place: int
) -> None:
    """Coefficients past K S: nothing in the proofs speaks of them, so D(z) is not the blob's."""
    statements = shared.statements([5, 6])
    more = sidecar_of(statements, *(place * [0]), 3)
    with pytest.raises(errors.BlobMismatch):
        try_blob_batch(shared, blob_batch(shared, statements, sidecar=more))


def test_a_blob_cannot_make_up_for_a_message(shared: SimulatedRollup) -> None:
    """A forged payout: what M(z) lacks is put into the blob, past the data or as a shift of D(z).

    With one y for both, this would pass; L1 compares the messages for themselves.
    """
    forged = (payout(1, RECIPIENT, 10**9),)
    stated, paid = shared.statements([5]), shared.statements([5], (), forged)
    place, element = forged[0].position, forged[0].element
    zeros = [0] * (place - SHAPE.data_length)
    for carried in (sidecar_of(stated), sidecar_of(stated, *zeros, element)):
        z = challenge(paid, carried.versioned_hash)
        shift = element * pow(z, place, R) % R
        (proved,) = [one.public_inputs(z) for one in stated]
        for y_data in (proved.y_data, (proved.y_data + shift) % R, (proved.y_data - shift) % R):
            inputs = [replace(proved, y_data=y_data)]
            attack = blob_batch(shared, paid, (), forged, sidecar=carried, inputs=inputs)
            with pytest.raises(errors.MessagesMismatch):
                try_blob_batch(shared, attack)
        (honest_messages,) = [one.public_inputs(z) for one in paid]
        inputs = [replace(honest_messages, y_data=(proved.y_data - shift) % R)]
        with pytest.raises(errors.BlobMismatch):
            try_blob_batch(
                shared, blob_batch(shared, paid, (), forged, sidecar=carried, inputs=inputs)
            )


@pytest.mark.parametrize("power", [0, SHAPE.data_length, SHAPE.message_length])
def test_data_and_messages_that_cancel_across_two_proofs_are_refused(
    shared: SimulatedRollup, power: int
) -> None:
    statements = shared.statements([5, 6])
    z = challenge(statements, sidecar_of(statements).versioned_hash)
    shift = 9 * pow(z, power, R)
    for plus, minus in ((0, 1), (1, 0)):
        inputs = [one.public_inputs(z) for one in statements]
        inputs[plus] = replace(inputs[plus], y_data=(inputs[plus].y_data + shift) % R)
        inputs[minus] = replace(inputs[minus], y_msg=(inputs[minus].y_msg - shift) % R)
        with pytest.raises(errors.MessagesMismatch):
            try_blob_batch(shared, blob_batch(shared, statements, inputs=inputs))
        true_messages = statements[minus].public_inputs(z).y_msg
        inputs[minus] = replace(inputs[minus], y_msg=true_messages)
        with pytest.raises(errors.BlobMismatch):
            try_blob_batch(shared, blob_batch(shared, statements, inputs=inputs))


def test_z_binds_the_mode_and_the_blob(shared: SimulatedRollup, honest: BlobBatch) -> None:
    statements = shared.statements([5, 6])
    named = honest.sidecar.versioned_hash
    challenges = {
        challenge(statements),
        challenge(statements, named),
        challenge(statements, named[:-1] + bytes([named[-1] ^ 1])),
    }
    assert len(challenges) == 3
    at_calldatas_z = [one.public_inputs(challenge(statements)) for one in statements]
    with pytest.raises(errors.MessagesMismatch):
        try_blob_batch(shared, blob_batch(shared, statements, inputs=at_calldatas_z))


def test_a_proof_that_does_not_hold_is_refused(shared: SimulatedRollup, honest: BlobBatch) -> None:
    stolen = honest.submission.proofs[1].proof_bytes
    bad = replace(honest, submission=with_proof(honest.submission, 0, proof_bytes=stolen))
    with pytest.raises(errors.ProofRejected):
        try_blob_batch(shared, bad)


def _words(calldata: bytes) -> list[bytes]:
    return [calldata[i : i + 32] for i in range(4, len(calldata), 32)]


def test_the_two_entries_cannot_be_taken_for_each_other(
    shared: SimulatedRollup, honest: BlobBatch
) -> None:
    """Which entry was called is what says where the data are, to every reader alike."""
    named = [honest.sidecar.versioned_hash]
    long, short = honest.submission.calldata(), shared.honest(5).calldata()
    shift = 32 * (HEAD_WORDS - 5)
    for selector, words in (
        (short[:4], _words(long)),  # the shorter entry, with a gap where the opening was
        (long[:4], _words(short)),  # the longer one, whose opening is the proofs' length
        (long[:4], [*_words(short)[:5], *(3 * [bytes(32)]), *_words(short)[5:]]),
        (long[:4], _moved(_words(short), shift)),  # whole, with an opening of zeros
    ):
        odd = selector + b"".join(words)
        for hashes in ([], named):
            with pytest.raises((errors.BadCalldata, errors.MalformedCalldata)):
                try_calldata(shared, odd, hashes)


def _moved(words: list[bytes], shift: int) -> list[bytes]:
    head = [words[0], *((int.from_bytes(w, "big") + shift).to_bytes(32, "big") for w in words[1:5])]
    return [*head, *(3 * [bytes(32)]), *words[5:]]


def test_arrays_stand_where_every_decoder_finds_them(
    shared: SimulatedRollup, honest: BlobBatch
) -> None:
    named, calldata = [honest.sidecar.versioned_hash], honest.submission.calldata()
    words = _words(calldata)
    for array in range(1, 5):
        at = int.from_bytes(words[array], "big")
        for odd_at in (at + 32, at - 32, 32 * len(words), 32 * HEAD_WORDS + 64):
            odd = [*words[:array], odd_at.to_bytes(32, "big"), *words[array + 1 :]]
            with pytest.raises((errors.BadCalldata, errors.MalformedCalldata)):
                try_calldata(shared, calldata[:4] + b"".join(odd), named)
    with pytest.raises(errors.BadCalldata):
        try_calldata(shared, calldata[:-32], named)
    try_calldata(shared, calldata + b"\1" * 33, named)
    longer = submission_from_calldata(calldata + b"\1" * 33, 0)
    assert longer is not None
    assert longer.with_blob(honest.sidecar.blob, SHAPE) == honest.submission


def test_data_stand_in_one_place_only(shared: SimulatedRollup, honest: BlobBatch) -> None:
    """Not in calldata as well; and a blob beside data in calldata says nothing."""
    submission = shared.honest(5)
    both = replace(submission, link=honest.submission.link)
    words = _words(both.calldata())
    at = int.from_bytes(words[2], "big") // 32
    assert int.from_bytes(words[at], "big") == 0
    for array in (3, 4):
        moved = int.from_bytes(words[array], "big") + 32
        words[array] = moved.to_bytes(32, "big")
    words[at : at + 1] = [(1).to_bytes(32, "big"), (7).to_bytes(32, "big")]
    with pytest.raises(errors.BadDataLength):
        try_calldata(shared, both.calldata()[:4] + b"".join(words), [honest.sidecar.versioned_hash])
    try_calldata(shared, submission.calldata(), [honest.sidecar.versioned_hash])


@pytest.mark.parametrize(
    "address", ["0x" + 36 * "0" + "dEaD", "0x" + 39 * "0" + "2", "0x" + 39 * "0" + "4"]
)
def test_a_chain_without_the_precompile_fails_closed(
    shared: SimulatedRollup, tmp_path: Path, address: str
) -> None:
    """An address that answers nothing, as it did before EIP-4844, or something else (SHA-256, the
    identity)."""
    for source in (SOURCES / "polynomials.vy", SOURCES / "blobs.vy"):
        shutil.copy(source, tmp_path)
    shutil.copy(Path(__file__).parent / "sources" / "opening.vy", tmp_path)
    text, real = (tmp_path / "blobs.vy").read_text(), "0x" + 39 * "0" + "A"
    assert text.count(real) == 1
    sidecar, z, client = sidecar_of(()), 5, shared.client
    link = BlobLink(sidecar.commitment, open_at(sidecar.blob, z).proof)
    arguments = (sidecar.versioned_hash, z, evaluate((), z), link.words())
    for at in (real, address):
        (tmp_path / "blobs.vy").write_text(text.replace(real, at))
        check = contract_from(compile_contract(tmp_path / "opening.vy"))
        data = "0x" + check.functions["check"].encode_call(*arguments).hex()
        call = {"to": deploy_contract(client.sender, check), "data": data}
        if at == real:
            client.rpc.call("eth_call", call, "latest")
            continue
        with pytest.raises(errors.BlobMismatch):
            client.rpc.call("eth_call", call, "latest")
