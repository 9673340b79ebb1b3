"""Which wires of a template are functions of what it is given, for *every* input at once?

Mutations look at the witnesses that they start from; this looks at the constraints alone. From
the wires that are given it goes on, constraint by constraint, by four rules:
- linear: the only unknown wire of a constraint that is linear in it;
- bits: unknown bits b_i in known = sum of +-k 2^(e_i) b_i, all e_i different and at most 252: two
  answers would differ by k d, 0 < |d| < r. (L (L - 1) = 0 makes L such a bit, of weight 1.)
- pair: x h = y and x (e - y) = 0 make y = e where x is not 0 and y = 0 where it is;
- two lemmas, by the names of their constraints, proved in the gadgets' docstrings and tested there:
  canonical bits (prover.gadgets.bits) and denominators on the curve (prover.gadgets.jubjub and
  prover.gadgets.generator).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping

from protocol.crypto.field import R
from prover.r1cs.lc import ONE
from prover.r1cs.template import Row, Template, Terms

_MAX_EXPONENT = 252
_QUOTIENTS = ("/x3", "/y3", "/t", "/t inverse", "/slope", "/Edwards x", "/Edwards y")


def undetermined(template: Template, given: Callable[[str], bool]) -> list[int]:
    """The wires that the rules do not reach.

    given: whether a wire of this name is taken as known, besides inputs, links and public ones.
    """
    search = _Search(template)
    search.know((ONE, *template.public.values(), *template.links.values()))
    search.know(template.inputs.values())
    search.know(w for w in range(template.n_wires) if given(template.value_names[w]))
    search.run()
    return [wire for wire in range(template.n_wires) if not search.known[wire]]


class _Search:
    def __init__(self, template: Template) -> None:
        self.rows, self.names = template.rows, template.row_names
        self.known = bytearray(template.n_wires)
        self.unknown: list[set[int]] = []
        self.rows_of: defaultdict[int, list[int]] = defaultdict(list)
        self.factors: defaultdict[frozenset[tuple[int, int]], list[int]] = defaultdict(list)
        self.bits: set[int] = set()
        self.todo: set[int] = set()
        for number, row in enumerate(self.rows):
            wires = {*row.a, *row.b, *row.c}
            self.unknown.append(wires)
            for wire in wires:
                self.rows_of[wire].append(number)
            for factor in (row.a, row.b, _minus({}, row.a), _minus({}, row.b)):
                self.factors[frozenset(factor.items())].append(number)
            if _is_bit(row) and len(row.a) == 1 and 1 in row.a.values():
                self.bits.update(row.a)

    def know(self, wires: Iterable[int]) -> None:
        for wire in wires:
            if not self.known[wire]:
                self.known[wire] = 1
                for number in self.rows_of[wire]:
                    self.unknown[number].discard(wire)
                    self.todo.add(number)

    def run(self) -> None:
        while self.todo:
            now, self.todo = self.todo, set()
            for number in now:
                if self.unknown[number]:
                    self.know(self._follows(number))

    def _follows(self, number: int) -> Collection[int]:
        """The unknown wires of a constraint that those known before determine."""
        row, unknown, name = self.rows[number], self.unknown[number], self.names[number]
        if _is_bit(row):
            weights = [1, *(-row.a.get(wire, 0) % R for wire in unknown)]
            return tuple(unknown) if self._are_bits(unknown, weights) else ()
        if name.endswith("/bits add up mod r"):
            return tuple(unknown)
        linear = _as_linear(row, unknown)
        if linear is not None:
            weights = [linear.get(wire, 0) for wire in unknown]
            alone = len(unknown) == 1 and weights[0]
            return tuple(unknown) if alone or self._are_bits(unknown, weights) else ()
        if name.endswith(_QUOTIENTS) and len(unknown) == 1:
            return tuple(unknown)
        return self._second_of_a_pair(number)

    def _are_bits(self, wires: Collection[int], weights: list[int]) -> bool:
        return all(wire in self.bits for wire in wires) and _are_powers(weights)

    def _second_of_a_pair(self, number: int) -> Collection[int]:
        row, unknown = self.rows[number], self.unknown[number]
        for x, h in ((row.a, row.b), (row.b, row.a)):
            hints = [wire for wire in h if wire in unknown]
            results = [wire for wire in row.c if wire in unknown]
            if len(hints) != 1 or len(results) != 1 or any(wire in unknown for wire in x):
                continue
            for other in self.factors[frozenset(x.items())]:
                second = self.rows[other]
                for factor in (second.a, second.b):
                    both = _minus(factor, _minus({}, row.c))
                    if other != number and not second.c and all(self.known[w] for w in both):
                        return results
        return ()


def _is_bit(row: Row) -> bool:
    """Whether it is L * (L - 1) = 0."""
    return not row.c and _minus(row.a, row.b) == {ONE: 1}


def _as_linear(row: Row, unknown: Collection[int]) -> Terms | None:
    """Coefficients of the unknown wires, if they do not meet in a product; of others too."""
    if not any(wire in unknown for wire in (*row.a, *row.b)):
        return row.c
    for factor, other in ((row.a, row.b), (row.b, row.a)):
        if factor.keys() == {ONE}:
            scaled = {wire: c * factor[ONE] % R for wire, c in other.items()}
            return _minus(scaled, row.c)
    return None


def _are_powers(weights: list[int]) -> bool:
    """Whether they are one number times plus or minus different powers of two."""
    if not all(weights):
        return False
    for unit in weights:
        inverse, exponents = pow(unit, -1, R), set[int]()
        for weight in weights:
            ratio = weight * inverse % R
            ratio = min(ratio, R - ratio)
            if ratio & (ratio - 1) == 0 and ratio >> _MAX_EXPONENT <= 1:
                exponents.add(ratio)
        if len(exponents) == len(weights):
            return True
    return False


def _minus(a: Mapping[int, int], b: Mapping[int, int]) -> Terms:
    difference = dict(a)
    for wire, c in b.items():
        difference[wire] = (difference.get(wire, 0) - c) % R
    return {wire: c for wire, c in difference.items() if c}
