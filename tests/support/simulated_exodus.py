"""An exodus whose exit proofs are simulated: exits of any content, true or not."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

from contracts.abi import Contract
from contracts.chain import Chain
from contracts.deploy import deploy_blueprint, deploy_contract
from contracts.exodus import (
    ExodusClient,
    exit_account_call,
    exit_channel_call,
    raise_lane_call,
)
from contracts.rpc import Rpc
from contracts.transactions import Receipt, Sender
from protocol.exits import AccountExit, ChannelExit, Exit, LaneRaise
from protocol.queue import QueueOp, rolling_hash
from tests.support.simulated_proofs import SimulatedKey

ROOT = 2**254 + 77
DOMAIN = 2**127 + 5

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class ExitProver:
    """Makes an exit proof of any statement against one root, for one domain."""

    key: SimulatedKey
    root: int
    domain: int

    def prove(self, statement: Exit) -> bytes:
        """A, B, C: 512 bytes that the contract accepts."""
        return self.key.prove(statement.public(self.root, self.domain).values())

    def call(self, statement: Exit, proof: bytes | None = None) -> bytes:
        """Calldata of the exit, with a proof of it or the one given."""
        shown = self.prove(statement) if proof is None else proof
        match statement:
            case AccountExit():
                return exit_account_call(statement, shown)
            case ChannelExit():
                return exit_channel_call(statement, shown)
            case LaneRaise():
                return raise_lane_call(statement, shown)


@dataclass(frozen=True, slots=True)
class StandInExodus:
    """An exodus that belongs to tests/contracts/sources/standin.vy instead of a rollup."""

    source: Contract
    address: str
    sender: Sender
    client: ExodusClient
    prover: ExitProver

    def send(self, statement: Exit) -> Receipt:
        """Send an exit with its proof, as it stands."""
        return self.sender.send(self.client.address, self.prover.call(statement))

    def run(self, calldata: bytes) -> None:
        """Run a call of the exodus without sending it. Raises Reverted."""
        self.client.call(calldata, self.sender.address)

    def run_at_age(self, age_s: int, calldata: bytes) -> None:
        """Run a call in a block exactly so many seconds after the start. Raises Reverted."""
        call = {
            "to": self.address,
            "data": "0x" + self.source.functions["at_age"].encode_call(age_s, calldata).hex(),
        }
        self.sender.rpc.call("eth_call", call, "latest")

    def tell(self, root: int = ROOT, age_s: int | None = 0, processed: int = 0) -> None:
        """Set the root, the seconds since the start (None: not started), the ops processed."""
        method = "eth_getBlockByNumber"
        block = self.sender.rpc.parse_object(method, self.sender.rpc.call(method, "latest", False))
        now = self.sender.rpc.parse_quantity(method, block["timestamp"])
        self._send("tell", root, 0 if age_s is None else now - age_s, processed)

    def enqueue(self, op: QueueOp, previous: bytes) -> bytes:
        """Give op `op.number` its record after one with the hash `previous`; returns its hash."""
        hash_ = rolling_hash(previous, op)
        self._send("record", op.number, hash_)
        return hash_

    def credited(self, recipient: str) -> int:
        """What the exodus credited to this address, ntok."""
        function = self.source.functions["credited"]
        call = {"to": self.address, "data": "0x" + function.encode_call(recipient).hex()}
        (amount_ntok,) = function.decode_result(self.sender.rpc.data("eth_call", call, "latest"))
        assert isinstance(amount_ntok, int)
        return amount_ntok

    def _send(self, function: str, *arguments: object) -> None:
        self.sender.send(self.address, self.source.functions[function].encode_call(*arguments))


def deploy_stand_in(
    chain: Chain, source: Contract, exodus: Contract, key: SimulatedKey
) -> StandInExodus:
    """A stand-in whose exodus has just started."""
    sender = Sender(Rpc(chain.url), chain.accounts[0])
    blueprint = deploy_blueprint(sender, exodus)
    address = deploy_contract(sender, source, blueprint, key.key.for_contract(), DOMAIN)
    function = source.functions["exodus"]
    call = {"to": address, "data": "0x" + function.encode_call().hex()}
    (made,) = function.decode_result(sender.rpc.data("eth_call", call, "latest"))
    client = ExodusClient(sender, str(made))
    stand_in = StandInExodus(source, address, sender, client, ExitProver(key, ROOT, DOMAIN))
    stand_in.tell()
    return stand_in


def fresh() -> int:
    """A number that no other test has; as an index, a slot, or the address of an owner."""
    return next(_numbers)


def owner() -> int:
    """An address that nobody used before."""
    return (0xA11CE << 140) + fresh()


def account_exit(balance_ntok: int = 1_000) -> AccountExit:
    """An account that no other test has."""
    return AccountExit(fresh(), owner(), balance_ntok)


def channel_exit(
    deposit_a_ntok: int = 70, deposit_b_ntok: int = 30, paid_ab_ntok: int = 0, paid_ba_ntok: int = 0
) -> ChannelExit:
    """A channel that no other test has."""
    amounts = deposit_a_ntok, deposit_b_ntok, paid_ab_ntok, paid_ba_ntok
    return ChannelExit(fresh(), *amounts, owner(), owner())
