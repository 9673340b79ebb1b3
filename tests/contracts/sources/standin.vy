# pragma version 0.4.3
"""
@title Stands in for the rollup that an exodus belongs to, with a state and a clock as told
@license Apache-2.0
@notice It makes its exodus as the rollup does. `at_age` runs a call in a block that is exactly so
        many seconds after the start, which no clock of a chain can be brought to.
"""

import queue
import verifier


struct Progress:
    l1_time: uint256
    processed: uint256
    batches: uint256


EXODUS: immutable(address)

exodus_start: public(uint256)
state_root: public(uint256)
processed: uint256
records: HashMap[uint256, queue.Record]
credited: public(HashMap[address, uint256])


@deploy
def __init__(blueprint: address, key: verifier.VerifyingKey, domain: uint256):
    EXODUS = create_from_blueprint(blueprint, key, domain)


@external
def tell(state_root: uint256, exodus_start: uint256, processed: uint256):
    self.state_root = state_root
    self.exodus_start = exodus_start
    self.processed = processed


@external
def record(number: uint256, hash: bytes32):
    self.records[number].hash = hash


@external
def at_age(age: uint256, payload: Bytes[2048]):
    self.exodus_start = block.timestamp - age
    raw_call(EXODUS, payload)


@external
def credit_exit(recipient: address, amount_ntok: uint256):
    assert msg.sender == EXODUS, "NotExodus"
    assert amount_ntok > 0
    self.credited[recipient] += amount_ntok


@external
@view
def exodus() -> address:
    return EXODUS


@external
@view
def progress() -> Progress:
    return Progress(l1_time=0, processed=self.processed, batches=0)


@external
@view
def queue_record(number: uint256) -> queue.Record:
    return self.records[number]
