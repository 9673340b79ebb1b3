"""A verifying key with delta = -gamma lets anyone turn one proof into a proof of anything."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contracts import errors
from contracts.deploy import deploy_rollup
from contracts.verifying_key import negate
from protocol.batch import Shape
from tests.support.simulated_proofs import SimulatedKey
from tests.support.simulated_rollup import SimulatedRollup


def test_a_key_whose_gamma_and_delta_are_opposite_is_refused(shared: SimulatedRollup) -> None:
    key = SimulatedKey().key
    account = shared.chain.accounts[0]
    with pytest.raises(errors.KeyGammaIsDelta):
        deploy_rollup(
            shared.chain.url,
            account,
            token=shared.token.address,
            operator=account.address,
            shape=Shape(1, 1),
            key=replace(key, delta_g2=negate(key.gamma_g2)),
            exit_key=key,
        )
