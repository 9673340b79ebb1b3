"""Random circuits with every kind of step, satisfied by what the tape computes."""

from __future__ import annotations

from random import Random

from protocol.crypto.field import R
from prover.r1cs.builder import Builder
from prover.r1cs.lc import Lc
from prover.r1cs.template import Template

_EDGES = (0, 1, 2, R - 1, R - 2, 1 << 254, (1 << 128) - 1)


def random_template(seed: int, steps: int = 40) -> Template:
    """A circuit with inputs x/0 .. x/3 and advice."""
    random, b = Random(seed), Builder(f"random {seed}")
    wires = [*b.inputs("x", 4)]
    temps = [b.advice("advice")]

    def combination(over: list[Lc]) -> Lc:
        factors = (1, R - 1, random.randrange(R), 1 << random.randrange(254))
        terms = [(random.choice(factors), random.choice(over)) for _ in range(random.randrange(4))]
        total = Lc.total([*terms, (1, random.choice(over)), (random.randrange(3), 1)])
        return total if total.constant is None else combination(over)

    b.mul(Lc.total((1, x) for x in wires), wires[0])  # so that each occurs
    for _ in range(steps):
        kind = random.randrange(5)
        if kind == 0:
            wires.append(b.mul(combination(wires), combination(wires), combination(wires)))
        elif kind == 1:
            wires.append(b.materialise(combination(wires), label="sum"))
        elif kind == 2:
            x = combination(wires)
            h = b.hint_quotient(1, x)
            b.enforce_product(x, b.mul(x, h) - 1, 0)  # x * (x h - 1) = 0, for x = 0 too
            wires.append(h)
        elif kind == 3:
            bits = b.hint_bits(
                combination(wires), random.randrange(1, 9), low=random.randrange(255)
            )
            for bit in bits:
                b.enforce_product(bit, bit - 1, 0)
            wires += bits
        else:
            temps.append(b.temp_product(combination(temps + wires), combination(wires)))
            free = b.hint_product(combination(temps), combination(wires))
            b.mul(free, free)
            wires.append(free)
    return b.build()


def random_inputs(template: Template, seed: int) -> dict[str, int]:
    """Inputs among which are edges of the field."""
    random = Random(seed)
    return {
        name: random.choice([*_EDGES, random.randrange(R), random.randrange(R)])
        for name in template.given
    }
