"""Invariant: a wire without a constraint, or a constraint over a temporary, never leaves here.

The Builder records one instance of a circuit: constraints, and the tape that computes the
witness from what is given. `mul` and `enforce_*` add constraints; `hint_*` add a wire that the
prover is free in until constraints bind it; `temp_*` add values that only the tape sees.

    b = Builder("demo")
    x = b.input("x")
    y = b.mul(x, x + 3, label="y")          # one constraint
    b.enforce_equal(y, b.link("expected"))    # one constraint
    template = b.build()
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prover.r1cs.errors import BadCircuit, UnconstrainedWires
from prover.r1cs.lc import ONE, Lc
from prover.r1cs.template import Op, Row, Step, Template, Terms

_NOTHING: Terms = {}


class Builder:
    """Records a circuit. Costs are in constraints; what is constant is folded and costs nothing."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._scope = ""
        self._wire_names = ["one"]
        self._temp_names: list[str] = []
        self._given: dict[str, dict[str, int]] = {
            kind: {} for kind in ("public", "link", "input", "advice")
        }
        self._exports: dict[str, int] = {}
        self._rows: list[Row] = []
        self._row_names: list[str] = []
        self._steps: list[Step] = []

    # --- names -------------------------------------------------------------------------------

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Prefix the names of all that is recorded inside: scope/scope/label."""
        outer, self._scope = self._scope, f"{self._scope}{name}/"
        try:
            yield
        finally:
            self._scope = outer

    @property
    def n_constraints(self) -> int:
        """The number of constraints so far."""
        return len(self._rows)

    # --- what is given from outside ----------------------------------------------------------

    def public(self, name: str) -> Lc:
        """A public input. All of them come before any other wire."""
        if len(self._wire_names) != 1 + len(self._given["public"]):
            raise BadCircuit(self.name, f"public input {name} comes after another wire")
        return self._give("public", name)

    def link(self, name: str) -> Lc:
        """A wire that joining ties to an export of another instance (roots, shared values)."""
        return self._give("link", name)

    def input(self, name: str) -> Lc:
        """A private input: a wire whose value the prover chooses, under the given name."""
        return self._give("input", name)

    def inputs(self, name: str, count: int) -> list[Lc]:
        """Private inputs name/0 .. name/(count - 1)."""
        return [self.input(f"{name}/{i}") for i in range(count)]

    def advice(self, name: str) -> Lc:
        """A given value that is no wire: it helps to compute hints, constraints may not name it."""
        return self._give("advice", name)

    def export(self, name: str, value: Lc | int) -> Lc:
        """Let links of other instances be tied to `value`.

        Free for a wire of this instance's own, else 1 constraint.
        """
        wire = Lc.of(value).wire
        if wire is None or wire < 0 or wire in self._given["link"].values():
            wire = self.materialise(value, label=f"export {name}").wire
            assert wire is not None
        self._add_name(self._exports, self._scope + name, wire)
        return Lc({wire: 1})

    # --- constraints -------------------------------------------------------------------------

    def mul(self, a: Lc | int, b: Lc | int, plus: Lc | int = 0, *, label: str = "product") -> Lc:
        """a * b + plus. 1 constraint, none where a or b is constant.

        `b` is the factor that costs the prover more: put what occurs in fewer places there.
        """
        a, b, plus = Lc.of(a), Lc.of(b), Lc.of(plus)
        for factor, other in ((a.constant, b), (b.constant, a)):
            if factor is not None:
                return Lc.total(((factor, other), (1, plus)))
        wire = self.hint_product(a, b, plus, label=label)
        self.enforce_product(a, b, wire - plus, label=label)
        return wire

    def materialise(self, value: Lc | int, *, label: str) -> Lc:
        """A wire of its own for a combination. 1 constraint."""
        wire = self._step(Op.LINEAR, 1, Lc.of(value), label=label)[0]
        self.enforce_product(value, 1, wire, label=label)
        return wire

    def enforce_product(
        self, a: Lc | int, b: Lc | int, c: Lc | int, *, label: str = "product"
    ) -> None:
        """a * b = c. 1 constraint. Raises BadCircuit if it can never or does always hold."""
        a, b, c = Lc.of(a), Lc.of(b), Lc.of(c)
        name = self._scope + label
        for factor, other in ((a.constant, b), (b.constant, a)):
            if factor is not None and Lc.total(((factor, other), (-1, c))).constant is not None:
                raise BadCircuit(self.name, f"constraint {name} always holds or never does")
        for part in (a, b, c):
            if any(key < 0 for key in part.terms):
                raise BadCircuit(self.name, f"constraint {name} names a temporary")
        self._rows.append(Row(a.terms, b.terms, c.terms))
        self._row_names.append(name)

    def enforce_equal(self, a: Lc | int, b: Lc | int, *, label: str = "equal") -> None:
        """a = b. 1 constraint."""
        self.enforce_product(Lc.of(a) - b, 1, 0, label=label)

    def enforce_zero(self, a: Lc | int, *, label: str = "zero") -> None:
        """a = 0. 1 constraint."""
        self.enforce_product(a, 1, 0, label=label)

    # --- hints: wires that the caller must constrain ------------------------------------------

    def hint_product(
        self, a: Lc | int, b: Lc | int, plus: Lc | int = 0, *, label: str = "hint"
    ) -> Lc:
        """A wire computed as a * b + plus. No constraint."""
        return self._step(Op.PRODUCT, 1, Lc.of(a), Lc.of(b), Lc.of(plus), label=label)[0]

    def hint_quotient(self, a: Lc | int, b: Lc | int, *, label: str = "quotient") -> Lc:
        """A wire computed as a / b, or 0 where b is 0. No constraint."""
        return self._step(Op.QUOTIENT, 1, Lc.of(a), Lc.of(b), label=label)[0]

    def hint_bits(self, a: Lc | int, count: int, *, low: int = 0, label: str = "bit") -> list[Lc]:
        """Wires computed as bits low .. low + count - 1 of a, an integer in 0 .. R - 1.

        No constraint.
        """
        return self._step(Op.BITS, count, Lc.of(a), low=low, label=label)

    def temp_product(
        self, a: Lc | int, b: Lc | int, plus: Lc | int = 0, *, label: str = "temporary"
    ) -> Lc:
        """A temporary computed as a * b + plus: for hints only. No wire, no constraint."""
        operands = (Lc.of(a), Lc.of(b), Lc.of(plus))
        return self._step(Op.PRODUCT, 1, *operands, label=label, temporary=True)[0]

    # --- sealing -----------------------------------------------------------------------------

    def build(self) -> Template:
        """Seal the circuit. Raises UnconstrainedWires if a wire occurs in no constraint."""
        used = {ONE}
        for row in self._rows:
            used.update(row.a, row.b, row.c)
        n_wires = len(self._wire_names)
        if len(used) != n_wires:
            free = tuple(name for i, name in enumerate(self._wire_names) if i not in used)
            raise UnconstrainedWires(self.name, "unconstrained wires", free)

        def place(key: int) -> int:
            return key if key >= 0 else n_wires - 1 - key

        def placed(terms: Terms) -> Terms:
            if min(terms, default=0) >= 0:
                return terms
            return {place(key): coefficient for key, coefficient in terms.items()}

        steps = tuple(
            Step(s.op, place(s.first), s.count, s.low, placed(s.a), placed(s.b), placed(s.c))
            for s in self._steps
        )
        return Template(
            name=self.name,
            n_wires=n_wires,
            n_values=n_wires + len(self._temp_names),
            public=dict(self._given["public"]),
            links=dict(self._given["link"]),
            inputs=dict(self._given["input"]),
            advice={name: place(key) for name, key in self._given["advice"].items()},
            exports={**self._given["public"], **self._exports},
            rows=tuple(self._rows),
            steps=steps,
            row_names=tuple(self._row_names),
            value_names=(*self._wire_names, *self._temp_names),
        )

    # --- inside ------------------------------------------------------------------------------

    def _add_name(self, table: dict[str, int], name: str, key: int) -> None:
        if any(name in given for given in (*self._given.values(), self._exports)):
            raise BadCircuit(self.name, f"two inputs or exports are named {name}")
        table[name] = key

    def _give(self, kind: str, name: str) -> Lc:
        name = self._scope + name
        if kind == "advice":
            self._temp_names.append(name)
            key = -len(self._temp_names)
        else:
            key = len(self._wire_names)
            self._wire_names.append(name)
        self._add_name(self._given[kind], name, key)
        return Lc({key: 1})

    def _step(
        self,
        op: Op,
        count: int,
        a: Lc,
        b: Lc | None = None,
        c: Lc | None = None,
        *,
        low: int = 0,
        label: str,
        temporary: bool = False,
    ) -> list[Lc]:
        name = self._scope + label
        names = [name] if count == 1 else [f"{name}{low + i}" for i in range(count)]
        if temporary:
            self._temp_names += names
            keys = [-len(self._temp_names)]
        else:
            keys = list(range(len(self._wire_names), len(self._wire_names) + count))
            self._wire_names += names
        self._steps.append(
            Step(
                op,
                keys[0],
                count,
                low,
                a.terms,
                _NOTHING if b is None else b.terms,
                _NOTHING if c is None else c.terms,
            )
        )
        return [Lc({key: 1}) for key in keys]
