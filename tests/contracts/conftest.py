"""Contract tests run on anvil, or on the embedded chain where anvil cannot be had.

What depends on the chain itself runs on both, and everything does in `make test-deep`: the embedded
chain takes three times as long for the same contract. One of each serves the session.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.abi import Contract, contract_from
from contracts.build import compile_contract
from contracts.chain import Chain, ChainUnavailable, start_chain
from contracts.chain.anvil import anvil_binary
from tests.support.simulated_rollup import SimulatedRollup, deploy_simulated

SOURCES = Path(__file__).parent / "sources"
ON_BOTH = frozenset(
    {"test_batches", "test_blob_transactions", "test_chains", "test_precompiles", "test_verifier"}
)
"""Modules about what a chain computes: precompiles, pairings, blobs, gas, time and logs."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """On which chains a test runs that asks for one."""
    if "chain" in metafunc.fixturenames:
        is_on_both = metafunc.module.__name__.rpartition(".")[2] in ON_BOTH
        is_on_both = is_on_both or "WATTLANE_DEEP_TESTS" in os.environ
        kinds = ["anvil", "embedded"] if is_on_both else ["any"]
        metafunc.parametrize("chain", kinds, indirect=True, scope="session")


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


@pytest.fixture(scope="session")
def chain(request: pytest.FixtureRequest) -> Chain:
    """The chain named by the parameter; "any" is anvil, if it can be had."""
    kind = request.param
    if kind == "any":
        try:
            anvil_binary()
            kind = "anvil"
        except ChainUnavailable:
            kind = "embedded"
    started: Chain = request.getfixturevalue(kind)
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
