"""Invariant: the inverse of a field element takes the same, short time for every element.

The binary Euclidean algorithm on 64-bit approximations of the two numbers, 30 steps at a time:
their factors are then applied to the numbers, which are held in 30-bit limbs. 1 / 0 is 0.
Ref: ePrint 2020/972 (Pornin, "Optimized Binary GCD for Modular Inversion"), algorithm 2.
"""

from __future__ import annotations

from dataclasses import dataclass

from llvmlite import ir

_I64 = ir.IntType(64)
_STEPS = 30
"""Steps on approximations, and bits of a limb; an approximation is so many low and 34 high bits."""
_MASK = (1 << _STEPS) - 1
_SLACK = 5  # the cofactors stay below 2^5 times the modulus

_Limbs = list[ir.Value]


def _word(number: int) -> ir.Constant:
    return ir.Constant(_I64, number)


@dataclass(frozen=True, slots=True)
class _Factors:
    """a' = (f0 a + g0 b) / 2^30 and b' = (f1 a + g1 b) / 2^30."""

    f0: ir.Value
    g0: ir.Value
    f1: ir.Value
    g1: ir.Value


@dataclass(slots=True)
class _Inversion:
    builder: ir.IRBuilder
    modulus: int
    n_limbs: int

    def limbs(self, number: int) -> _Limbs:
        return [_word(number >> _STEPS * i & _MASK) for i in range(self.n_limbs)]

    def top(self, a: _Limbs, b: _Limbs) -> tuple[ir.Value, ir.Value]:
        """64-bit approximations of a and b that end at the same bit."""
        builder = self.builder
        (a0, a1, a2), (b0, b1, b2) = a[:3], b[:3]
        minimal = ir.Constant(ir.IntType(1), 1)
        for i in range(3, self.n_limbs):
            used = builder.icmp_unsigned("!=", builder.or_(a[i], b[i]), _word(0))
            chosen = [(a[i - 2], a0), (a[i - 1], a1), (a[i], a2)]
            a0, a1, a2 = (builder.select(used, new, old) for new, old in chosen)
            chosen = [(b[i - 2], b0), (b[i - 1], b1), (b[i], b2)]
            b0, b1, b2 = (builder.select(used, new, old) for new, old in chosen)
            minimal = builder.select(used, ir.Constant(ir.IntType(1), 0), minimal)
        highest = builder.or_(builder.or_(a2, b2), _word(1))
        zeros = builder.ctlz(highest, ir.Constant(ir.IntType(1), 1))
        shift = builder.sub(zeros, _word(64 - _STEPS))
        # numbers below 2^64 stand for themselves: their high bits are those above the low ones
        limit = builder.select(minimal, _word(26), _word(_STEPS - 1))
        shift = builder.select(builder.icmp_unsigned("<", shift, limit), shift, limit)

        def joined(n0: ir.Value, n1: ir.Value, n2: ir.Value, low: ir.Value) -> ir.Value:
            upper = builder.or_(builder.shl(n2, _word(_STEPS)), n1)
            fill = builder.lshr(n0, builder.sub(_word(_STEPS), shift))
            window = builder.lshr(builder.or_(builder.shl(upper, shift), fill), _word(26))
            return builder.or_(builder.shl(window, _word(_STEPS)), low)

        return joined(a0, a1, a2, a[0]), joined(b0, b1, b2, b[0])

    def steps(self, a: ir.Value, b: ir.Value) -> _Factors:
        """30 steps on approximations. The two factors of a number share a word, g above f."""
        builder, zero = self.builder, _word(0)
        of_a, of_b = _word(1), _word(1 << 32)
        for _ in range(_STEPS):
            odd = builder.sub(zero, builder.and_(a, _word(1)))
            less = builder.sext(builder.icmp_unsigned("<", a, b), _I64)
            swap = builder.and_(odd, less)
            swapped = builder.and_(builder.xor(a, b), swap)
            a, b = builder.xor(a, swapped), builder.xor(b, swapped)
            swapped = builder.and_(builder.xor(of_a, of_b), swap)
            of_a, of_b = builder.xor(of_a, swapped), builder.xor(of_b, swapped)
            a = builder.lshr(builder.sub(a, builder.and_(odd, b)), _word(1))
            of_a = builder.sub(of_a, builder.and_(odd, of_b))
            of_b = builder.add(of_b, of_b)

        def unpacked(both: ir.Value) -> tuple[ir.Value, ir.Value]:
            f = builder.ashr(builder.shl(both, _word(32)), _word(32))
            return f, builder.ashr(builder.sub(both, f), _word(32))

        return _Factors(*unpacked(of_a), *unpacked(of_b))

    def combined(self, a: _Limbs, f: ir.Value, b: _Limbs, g: ir.Value, m: ir.Value) -> _Limbs:
        """(f a + g b + m modulus) / 2^30; the last limb has the sign."""
        builder, total, out = self.builder, _word(0), []
        for a_limb, b_limb, limb in zip(a, b, self.limbs(self.modulus), strict=True):
            total = builder.add(total, builder.mul(f, a_limb))
            total = builder.add(total, builder.mul(g, b_limb))
            total = builder.add(total, builder.mul(m, limb))
            out.append(builder.and_(total, _word(_MASK)))
            total = builder.ashr(total, _word(_STEPS))
        return [*out[1:], total]

    def magnitude(self, limbs: _Limbs) -> tuple[_Limbs, ir.Value]:
        """The absolute value, and a word of ones if it was negative, else 0."""
        builder, out = self.builder, []
        sign = builder.ashr(limbs[-1], _word(63))
        flip, carry = builder.and_(sign, _word(_MASK)), builder.and_(sign, _word(1))
        for limb in limbs[:-1]:
            total = builder.add(builder.xor(limb, flip), carry)
            out.append(builder.and_(total, _word(_MASK)))
            carry = builder.lshr(total, _word(_STEPS))
        return [*out, builder.add(builder.xor(limbs[-1], sign), carry)], sign

    def cofactor(self, u: _Limbs, f: ir.Value, v: _Limbs, g: ir.Value, sign: ir.Value) -> _Limbs:
        """+-(f u + g v) / 2^30 modulo the modulus, not reduced."""
        builder = self.builder
        f, g = (builder.sub(builder.xor(factor, sign), sign) for factor in (f, g))
        low = builder.add(builder.mul(f, u[0]), builder.mul(g, v[0]))
        inverse = _word(-pow(self.modulus, -1, 1 << _STEPS) % (1 << _STEPS))
        m = builder.and_(builder.mul(low, inverse), _word(_MASK))
        return self.combined(u, f, v, g, m)

    def reduced(self, limbs: _Limbs) -> ir.Value:
        """The number modulo the modulus, as one wide integer."""
        builder = self.builder
        wide = ir.IntType(64 * (-(-_STEPS * self.n_limbs // 64) + 1))
        total = ir.Constant(wide, self.modulus << _SLACK)
        for i, limb in enumerate(limbs):
            shifted = builder.shl(builder.sext(limb, wide), ir.Constant(wide, _STEPS * i))
            total = builder.add(total, shifted)
        for shift in range(_SLACK, -1, -1):
            less = builder.sub(total, ir.Constant(wide, self.modulus << shift))
            negative = builder.icmp_signed("<", less, ir.Constant(wide, 0))
            total = builder.select(negative, total, less)
        return total


def keep_rolled(branch: ir.Instruction) -> None:
    """Not to be unrolled: the compiler for GPUs would, to 700 KB of instructions."""
    module = branch.parent.parent.module
    hint = module.add_metadata([ir.MetaDataString(module, "llvm.loop.unroll.disable")])
    loop = module.add_metadata([hint, hint])
    loop.operands = (loop, hint)  # a loop's name is itself
    branch.set_metadata("llvm.loop", loop)


def emit_inverse(builder: ir.IRBuilder, number: ir.Value, modulus: int, radix: int) -> ir.Value:
    """radix^2 / number modulo the modulus, as a wide integer: the inverse in Montgomery form."""
    n_limbs = -(-(modulus.bit_length() + _SLACK + 2) // _STEPS)
    code = _Inversion(builder, modulus, n_limbs)
    parts = []
    for i in range(n_limbs):
        shifted = builder.lshr(number, ir.Constant(number.type, _STEPS * i))
        parts.append(builder.and_(builder.trunc(shifted, _I64), _word(_MASK)))
    start = [*parts, *code.limbs(modulus), *code.limbs(radix**2 % modulus), *code.limbs(0)]
    entry, loop = builder.block, builder.append_basic_block("loop")
    done = builder.append_basic_block("done")
    builder.branch(loop)
    builder.position_at_end(loop)
    counter = builder.phi(_I64)
    state = [builder.phi(_I64) for _ in start]
    a, b, u, v = (state[i * n_limbs : (i + 1) * n_limbs] for i in range(4))
    by = code.steps(*code.top(a, b))
    none = _word(0)
    new_a, negative_a = code.magnitude(code.combined(a, by.f0, b, by.g0, none))
    new_b, negative_b = code.magnitude(code.combined(a, by.f1, b, by.g1, none))
    new_u = code.cofactor(u, by.f0, v, by.g0, negative_a)
    new_v = code.cofactor(u, by.f1, v, by.g1, negative_b)
    counted = builder.add(counter, _word(1))
    for phi, first, again in zip(
        [counter, *state],
        [_word(0), *start],
        [counted, *new_a, *new_b, *new_u, *new_v],
        strict=True,
    ):
        phi.add_incoming(first, entry)
        phi.add_incoming(again, loop)
    n_rounds = -(-(2 * modulus.bit_length() - 1) // _STEPS)
    again = builder.icmp_unsigned("<", counted, _word(n_rounds))
    keep_rolled(builder.cbranch(again, loop, done))
    builder.position_at_end(done)
    return code.reduced(new_v)
