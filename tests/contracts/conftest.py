"""Every contract test runs on anvil and on the embedded chain; one of each serves the session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.abi import Contract, contract_from
from contracts.build import compile_contract
from contracts.chain import Chain, ChainUnavailable, start_chain
from tests.support.simulated_rollup import SimulatedRollup, deploy_simulated

SOURCES = Path(__file__).parent / "sources"


def _started(kind: str) -> Iterator[Chain]:
    try:
        chain = start_chain(kind)
    except ChainUnavailable as error:
        pytest.skip(f"the {kind} tests DID NOT RUN: {error}")
    with chain:
        yield chain


@pytest.fixture(scope="session")
def anvil() -> Iterator[Chain]:
    """anvil, or a plain word that its tests did not run."""
    yield from _started("anvil")


@pytest.fixture(scope="session")
def embedded() -> Iterator[Chain]:
    """The embedded chain."""
    yield from _started("embedded")


@pytest.fixture(scope="session", params=["anvil", "embedded"])
def chain(request: pytest.FixtureRequest) -> Chain:
    """Both, one after the other."""
    started: Chain = request.getfixturevalue(request.param)
    return started


@pytest.fixture(scope="session")
def standin() -> Contract:
    """What an exodus belongs to in tests that need no rollup, compiled once."""
    return contract_from(compile_contract(SOURCES / "standin.vy"))


@pytest.fixture(scope="module")
def shared(chain: Chain) -> SimulatedRollup:
    """A rollup for tests that change nothing, or only add to it."""
    return deploy_simulated(chain, chain.accounts[0])


@pytest.fixture
def rollup(chain: Chain) -> SimulatedRollup:
    """A fresh rollup."""
    return deploy_simulated(chain, chain.accounts[0])
