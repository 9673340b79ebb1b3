"""Circuits of ours, with witnesses: one that any four public inputs satisfy, and a tree's path."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from random import Random

import numpy as np
from numpy.typing import NDArray

from protocol.crypto.field import R
from protocol.crypto.merkle import MerkleTree
from prover.gadgets.bits import enforce_bits
from prover.gadgets.merkle import INDEX_BITS, advise_siblings, root_of_path, siblings_inputs
from prover.r1cs.builder import Builder
from prover.r1cs.compose import Circuit, Instance, compose

N_PUBLIC = 4
"""As many as the contract computes for a batch."""


@cache
def four() -> Circuit:
    """Somebody knows a secret x, and the product of x + p over all public inputs p."""
    b = Builder("four")
    publics = [b.public(f"p{i}") for i in range(N_PUBLIC)]
    secret = b.input("secret")
    product = secret
    for i, public in enumerate(publics):
        product = b.mul(product, secret + public, label=f"product {i}")
    return compose("four", [Instance("four", b.build())])


def four_witness(publics: Sequence[int], secret: int = 0x5EC237) -> NDArray[np.uint64]:
    """A witness of `four` for any public inputs."""
    named = {f"p{i}": public for i, public in enumerate(publics)}
    return four().witness({"four": {**named, "secret": secret}})


@cache
def path() -> Circuit:
    """A leaf lies at an index of the tree with a public root: the gadget of every slot."""
    b = Builder("path")
    root = b.public("root")
    index = enforce_bits(b, b.input("index"), INDEX_BITS)
    computed = root_of_path(b, index, b.input("leaf"), advise_siblings(b))
    b.enforce_equal(computed, root, label="root")
    return compose("path", [Instance("path", b.build())])


def path_witness(index: int = 1 << 20) -> NDArray[np.uint64]:
    """A witness of `path`."""
    rng, tree = Random(11), MerkleTree()
    for place in (0, 3, 1 << 20, 5):
        tree.set(place, rng.randrange(R))
    siblings = siblings_inputs("siblings", tree.path(index))
    given = {"root": tree.root, "index": index, "leaf": tree.leaf(index), **siblings}
    return path().witness({"path": given})
