"""Circuit, key and contract together: exits that the prover proves are the exits that L1 takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts import errors
from contracts.abi import Contract, load
from contracts.chain import Chain
from contracts.deploy import deploy_blueprint, deploy_contract
from contracts.exodus import ExodusClient
from contracts.rpc import Rpc
from contracts.transactions import Sender
from protocol.channels import Lane, Status
from protocol.exits import ExitWitness, account_exit, channel_exit, lane_raise
from prover.exit_key import exit_key
from prover.exit_proofs import prove_exit
from prover.groth16 import ProvingKey
from prover.iden3.zkey import open_zkey
from sequencer.proving import contract_key
from tests.protocol.street import ANNA
from tests.prover.circuits.exit_cases import FAR, RAISED, SLOT, left_state, voucher
from tests.support.simulated_exodus import DOMAIN, ExitProver, StandInExodus
from tests.support.simulated_proofs import SimulatedKey
from wattlane.exit_keys import served_exit_key

STATE = left_state(Status.CLOSING)


@pytest.fixture(scope="module")
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
def key(cache_folder: Path) -> ProvingKey:
    return exit_key(cache_folder=cache_folder)


@pytest.fixture(scope="module")
def exodus(embedded: Chain, standin: Contract, key: ProvingKey) -> StandInExodus:
    """An exodus that holds the real key; its own prover has another one."""
    sender = Sender(Rpc(embedded.url), embedded.accounts[0])
    blueprint = deploy_blueprint(sender, load("exodus"))
    words = contract_key(key.verifying_key).for_contract()
    address = deploy_contract(sender, standin, blueprint, words, DOMAIN)
    call = {"to": address, "data": "0x" + standin.functions["exodus"].encode_call().hex()}
    (made,) = standin.functions["exodus"].decode_result(sender.rpc.data("eth_call", call, "latest"))
    client = ExodusClient(sender, str(made))
    prover = ExitProver(SimulatedKey(5), STATE.root, DOMAIN)
    stand_in = StandInExodus(standin, address, sender, client, prover)
    stand_in.tell(STATE.root)
    return stand_in


def exits() -> list[ExitWitness]:
    promised = voucher(STATE, Lane.AB, RAISED, ANNA, domain=DOMAIN)
    return [
        account_exit(STATE, FAR),
        channel_exit(STATE, SLOT),
        lane_raise(STATE, SLOT, promised, DOMAIN),
    ]


@pytest.mark.parametrize("kind", range(3), ids=["account", "channel", "raise"])
def test_l1_takes_what_the_prover_proves(exodus: StandInExodus, key: ProvingKey, kind: int) -> None:
    witness = exits()[kind]
    statement, proof = witness.statement(), prove_exit(key, witness).proof_bytes
    exodus.run(exodus.prover.call(statement, proof))
    other = exits()[kind - 1].statement()
    for wrong in (exodus.prover.call(statement), exodus.prover.call(other, proof)):
        with pytest.raises(errors.ProofRejected):
            exodus.run(wrong)


def test_an_operator_gives_away_the_key_that_l1_holds(
    exodus: StandInExodus, key: ProvingKey, cache_folder: Path, tmp_path: Path
) -> None:
    held = exodus.client.verifying_key()
    file = served_exit_key(held, cache_folder=cache_folder)
    assert file is not None
    assert open_zkey(file).verifying_key == key.verifying_key
    assert served_exit_key(SimulatedKey(5).key, cache_folder=cache_folder) is None
    assert served_exit_key(held, cache_folder=tmp_path) is None
