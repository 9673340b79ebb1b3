"""Invariant: H2 and H4 here are those of protocol.crypto.poseidon, three constraints an S-box.

In a full round every S-box output is a wire. In a partial round the *input* of the next S-box is
the wire: x^5 is then the combination of wires that the next input says it is. So the rows of A
and B stay single wires through the partial rounds, and only C, which a prover never multiplies
out, grows dense. The combinations depend on the width alone; `_partial_rounds` makes them once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from protocol.crypto import poseidon as plain
from protocol.crypto.field import R
from protocol.crypto.poseidon import FULL_ROUNDS, PARTIAL_ROUNDS, Tag, constants
from prover.r1cs.builder import Builder
from prover.r1cs.lc import ONE, Lc

_Vector = tuple[int, ...]
_HALF = FULL_ROUNDS // 2


def hash2(b: Builder, tag: Tag, x0: Lc | int, x1: Lc | int, *, label: str = "h2") -> Lc:
    """H2(tag; x0, x1). 240 constraints, 3 fewer for each constant input."""
    return _hash(b, tag, (x0, x1), label)


def hash4(
    b: Builder,
    tag: Tag,
    x0: Lc | int,
    x1: Lc | int,
    x2: Lc | int,
    x3: Lc | int,
    *,
    label: str = "h4",
) -> Lc:
    """H4(tag; x0, x1, x2, x3). 297 constraints, 3 fewer for each constant input."""
    return _hash(b, tag, (x0, x1, x2, x3), label)


def _hash(b: Builder, tag: Tag, inputs: Sequence[Lc | int], label: str) -> Lc:
    state = [Lc.of(int(tag)), *map(Lc.of, inputs)]
    known = [lane.constant for lane in state]
    if all(value is not None for value in known):
        return Lc.of(plain.permute(tuple(value for value in known if value is not None))[1])
    with b.scope(label):
        return permute(b, state)[1]


def permute(b: Builder, state: list[Lc]) -> list[Lc]:
    """The permutation on 3 or 5 lanes, at least one of them not constant."""
    width = len(state)
    rounds = constants(width).rounds
    inputs = [lane + c for lane, c in zip(state, rounds[0], strict=True)]
    for number in range(_HALF - 1):
        inputs = _full_round(b, number, inputs, rounds[number + 1])
    outputs = _full_sboxes(b, _HALF - 1, inputs)
    inputs = _partial_rounds_of(b, width, outputs)
    added = (*rounds[-_HALF + 1 :], (0,) * width)
    for number, following in enumerate(added, start=len(rounds) - _HALF):
        inputs = _full_round(b, number, inputs, following)
    return inputs


def _full_round(
    b: Builder, number: int, inputs: Sequence[Lc], following: Sequence[int]
) -> list[Lc]:
    """From the inputs of a round's S-boxes to those of the next, its constants added."""
    outputs = _full_sboxes(b, number, inputs)
    mds = constants(len(inputs)).mds
    return [
        Lc.total([*zip(row, outputs, strict=True), (c, 1)])
        for row, c in zip(mds, following, strict=True)
    ]


def _full_sboxes(b: Builder, number: int, inputs: Sequence[Lc]) -> list[Lc]:
    outputs = []
    for lane, x in enumerate(inputs):
        name = f"round{number}/lane{lane}"
        fourth = _fourth_power(b, name, x)
        outputs.append(b.mul(fourth, x, label=f"{name} x^5"))
    return outputs


def _fourth_power(b: Builder, name: str, x: Lc) -> Lc:
    square = b.mul(x, x, label=f"{name} x^2")
    return b.mul(square, square, label=f"{name} x^4")


@dataclass(frozen=True, slots=True)
class _PartialRounds:
    """The partial rounds as vectors over the basis (1, u_0 .. u_(width - 1), y_1, y_2, ...).

    u are the S-box outputs of the last full round before them.
    y_k is the input of the S-box of partial round k; y_0 = first; y_(k+1) = scale y_k^5 + rest[k].
    last: the inputs of the next full round's S-boxes from lane 1 on; lane 0's is the last y.
    """

    scale: int
    first: _Vector
    rest: tuple[_Vector, ...]
    last: tuple[_Vector, ...]


@lru_cache
def _partial_rounds(width: int) -> _PartialRounds:
    table, count = constants(width), PARTIAL_ROUNDS[width]
    mds, size = table.mds, 1 + width + count
    scale = mds[0][0]

    def combined(parts: Sequence[tuple[int, list[int]]], constant: int) -> list[int]:
        total = [sum(factor * vector[i] for factor, vector in parts) for i in range(size)]
        total[0] += constant
        return [x % R for x in total]

    def unit(place: int) -> list[int]:
        return [int(i == place) for i in range(size)]

    outputs = [unit(1 + lane) for lane in range(width)]
    lanes = [
        combined(list(zip(row, outputs, strict=True)), c)
        for row, c in zip(mds, table.rounds[_HALF], strict=True)
    ]
    first, rest = tuple(lanes[0]), []
    for k in range(count):
        following = table.rounds[_HALF + k + 1]
        others = lanes[1:]
        plus = combined(list(zip(mds[0][1:], others, strict=True)), following[0])
        y = unit(1 + width + k)
        inverse = pow(scale, -1, R)
        fifth = combined([(inverse, y), (-inverse, plus)], 0)
        lanes = [y] + [
            combined([(row[0], fifth), *zip(row[1:], others, strict=True)], c)
            for row, c in zip(mds[1:], following[1:], strict=True)
        ]
        rest.append(tuple(plus))
    return _PartialRounds(scale, first, tuple(rest), tuple(tuple(lane) for lane in lanes[1:]))


def _partial_rounds_of(b: Builder, width: int, outputs: Sequence[Lc]) -> list[Lc]:
    """From the S-box outputs of the last full round to the S-box inputs of the next one."""
    table = _partial_rounds(width)
    basis = [ONE]
    for output in outputs:
        assert output.wire is not None
        basis.append(output.wire)

    def over_basis(vector: _Vector) -> Lc:
        return Lc({wire: c for wire, c in zip(basis, vector, strict=False) if c})

    y = over_basis(table.first)
    for k, rest in enumerate(table.rest):
        name = f"round{_HALF + k}/lane0"
        fourth = _fourth_power(b, name, y)
        y = b.mul(table.scale * fourth, y, over_basis(rest), label=f"{name} next input")
        assert y.wire is not None
        basis.append(y.wire)
    return [y, *map(over_basis, table.last)]
