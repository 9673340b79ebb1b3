"""Invariant: joined instances share a wire wherever one's link is tied to another's export.

A link costs neither wire nor constraint: its column is replaced by the target's. So an R1CS for
many slots is a few templates, repeated with wire offsets. Every row keeps a name,
`instance/scope/label`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from prover.curves.fr import from_ints, to_ints
from prover.errors import Unsatisfied
from prover.r1cs.errors import BadCircuit, BrokenConstraint, LinkMismatch, WrongInputs
from prover.r1cs.system import R1CS, Matrix
from prover.r1cs.tape import CompiledTemplate, compile_template
from prover.r1cs.template import Template

_Wires = NDArray[np.int32]
_Elements = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Port:
    """An export of an instance, for links of others."""

    instance: str
    export: str

    def __str__(self) -> str:
        return f"{self.instance}/{self.export}"


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """One use of a template; `links` ties each of the template's links to a port."""

    name: str
    template: Template
    links: Mapping[str, Port] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Circuit:
    """Joined instances. wires[i]: instance i's wires -> wires of the R1CS (int32[n_wires])."""

    name: str
    instances: tuple[Instance, ...]
    compiled: Mapping[Template, CompiledTemplate]
    wires: tuple[_Wires, ...]
    first_rows: NDArray[np.int64]
    r1cs: R1CS

    def witness(
        self, inputs: Mapping[str, Mapping[str, int]], *, threads: int | None = None
    ) -> NDArray[np.uint64]:
        """The witness (uint64[n_wires, 4], Montgomery form). Constraints are not looked at.

        inputs: instance -> name -> value, for everything that its template is given. Links may be
        left out: they are then taken from their targets, which run before. Instances that do not
        wait for one another run on `threads` threads (by default as many as there are processors).
        Raises WrongInputs, and LinkMismatch where a given link differs from its target.
        """
        known = {instance.name for instance in self.instances}
        unknown = tuple(name for name in inputs if name not in known)
        if unknown:
            raise WrongInputs(self.name, (), unknown, ())
        done: dict[str, _Elements] = {}
        waiting = list(self.instances)
        with ThreadPoolExecutor(threads) as pool:
            while waiting:
                ready, later, jobs = [], [], []
                for instance in waiting:
                    full = self._with_links(instance, inputs.get(instance.name, {}), done)
                    if full is None:
                        later.append(instance)
                    else:
                        ready.append(instance)
                        compiled = self.compiled[instance.template]
                        jobs.append(pool.submit(self._run, instance, compiled, full))
                if not ready:
                    raise WrongInputs(self.name, tuple(i.name for i in later), (), ())
                for instance, job in zip(ready, jobs, strict=True):
                    done[instance.name] = job.result()
                waiting = later
        return self._assemble(done)

    def check(self, witness: _Elements) -> None:
        """Raise BrokenConstraint with the name of the first constraint that `witness` fails."""
        try:
            self.r1cs.check(witness)
        except Unsatisfied as error:
            raise BrokenConstraint(error.row, self.row_name(error.row)) from error

    def row_name(self, row: int) -> str:
        """instance/scope/label of a constraint."""
        number = int(np.searchsorted(self.first_rows, row, side="right")) - 1
        instance = self.instances[number]
        return f"{instance.name}/{instance.template.row_names[row - int(self.first_rows[number])]}"

    def wire_of(self, port: Port) -> int:
        """The wire of the R1CS that an export is."""
        for instance, wires in zip(self.instances, self.wires, strict=True):
            if instance.name == port.instance and port.export in instance.template.exports:
                return int(wires[instance.template.exports[port.export]])
        raise BadCircuit(self.name, f"there is no export {port}")

    def value_of(self, witness: _Elements, port: Port) -> int:
        """The value of an export as an int."""
        return to_ints(witness[self.wire_of(port)].reshape(1, 4))[0]

    @staticmethod
    def _run(
        instance: Instance, compiled: CompiledTemplate, inputs: Mapping[str, int]
    ) -> _Elements:
        try:
            return compiled.run(inputs)
        except WrongInputs as error:
            raise WrongInputs(
                instance.name, error.missing, error.unknown, error.out_of_range
            ) from error

    def _with_links(
        self, instance: Instance, given: Mapping[str, int], done: Mapping[str, _Elements]
    ) -> Mapping[str, int] | None:
        """The inputs with all links, or None while a link's target has not run."""
        full = dict(given)
        templates = {each.name: each.template for each in self.instances}
        for link, port in instance.links.items():
            if link not in full:
                if port.instance not in done:
                    return None
                wire = templates[port.instance].exports[port.export]
                full[link] = to_ints(done[port.instance][wire].reshape(1, 4))[0]
        return full

    def _assemble(self, done: Mapping[str, _Elements]) -> _Elements:
        witness = np.zeros((self.r1cs.n_wires, 4), dtype=np.uint64)
        witness[0] = from_ints([1])[0]
        own = [_own_wires(instance.template) for instance in self.instances]
        for instance, wires, mine in zip(self.instances, self.wires, own, strict=True):
            witness[wires[mine]] = done[instance.name][mine]
        for instance, wires in zip(self.instances, self.wires, strict=True):
            values = done[instance.name]
            for link, place in instance.template.links.items():
                if not np.array_equal(values[place], witness[wires[place]]):
                    given, actual = to_ints(np.stack([values[place], witness[wires[place]]]))
                    target = str(instance.links[link])
                    raise LinkMismatch(instance.name, link, target, given, actual)
        return witness


def _own_wires(template: Template) -> NDArray[np.int64]:
    """All wires but the constant one and the links."""
    mask = np.ones(template.n_wires, dtype=np.bool_)
    mask[[0, *template.links.values()]] = False
    return np.flatnonzero(mask)


def compose(name: str, instances: Sequence[Instance]) -> Circuit:
    """Join instances; only the first may have public inputs, which become those of the R1CS.

    Raises BadCircuit for a link that is not tied or tied to what does not exist.
    """
    by_name = {instance.name: i for i, instance in enumerate(instances)}
    if len(by_name) != len(instances):
        raise BadCircuit(name, "two instances have the same name")
    wires, n_wires = [], 1
    for i, instance in enumerate(instances):
        template = instance.template
        if i and template.public:
            raise BadCircuit(name, f"{instance.name} has public inputs but is not the first")
        own = _own_wires(template)
        mapped = np.zeros(template.n_wires, dtype=np.int32)
        mapped[own] = np.arange(n_wires, n_wires + own.size, dtype=np.int32)
        n_wires += own.size
        wires.append(mapped)
    for instance, mapped in zip(instances, wires, strict=True):
        template = instance.template
        if instance.links.keys() != template.links.keys():
            odd = sorted(instance.links.keys() ^ template.links.keys())
            raise BadCircuit(name, f"{instance.name}: links not tied or unknown: {odd[:8]}")
        for link, port in instance.links.items():
            target = by_name.get(port.instance)
            exports = {} if target is None else instances[target].template.exports
            if target is None or port.export not in exports:
                raise BadCircuit(name, f"{instance.name}: link {link}: no export {port}")
            mapped[template.links[link]] = wires[target][exports[port.export]]
    compiled = {t: compile_template(t) for t in dict.fromkeys(i.template for i in instances)}
    counts = [0, *(len(instance.template.rows) for instance in instances)]
    return Circuit(
        name,
        tuple(instances),
        compiled,
        tuple(wires),
        np.cumsum(counts)[:-1],
        _r1cs(instances, compiled, wires, n_wires),
    )


def _r1cs(
    instances: Sequence[Instance],
    compiled: Mapping[Template, CompiledTemplate],
    wires: Sequence[_Wires],
    n_wires: int,
) -> R1CS:
    places: dict[int, int] = {}
    factor_of = {
        template: np.array(
            [places.setdefault(c, len(places)) for c in each.coefficients], dtype=np.int32
        )
        for template, each in compiled.items()
    }

    def matrix(which: str) -> Matrix:
        sizes, columns, factors = [np.zeros(1, dtype=np.int64)], [], []
        for instance, mapped in zip(instances, wires, strict=True):
            rows = getattr(compiled[instance.template], which)
            sizes.append(np.diff(rows.start).astype(np.int64))
            columns.append(mapped[rows.index])
            factors.append(factor_of[instance.template][rows.factor])
        return Matrix(
            np.cumsum(np.concatenate(sizes)), np.concatenate(columns), np.concatenate(factors)
        )

    return R1CS(
        n_public=len(instances[0].template.public),
        n_wires=n_wires,
        coefficients=from_ints(list(places)),
        a=matrix("a"),
        b=matrix("b"),
        c=matrix("c"),
    )
