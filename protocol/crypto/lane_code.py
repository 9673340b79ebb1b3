"""Invariant: the machine code for eight elements at once equals that for one, bit for bit.

A processor with AVX-512 IFMA multiplies eight pairs of 52-bit numbers in one instruction. So an
element of lanes is `limbs` vectors of eight 64-bit lanes: vector i holds bits 52 i to 52 i + 51
of eight elements. They are the numbers that field_code.py has in words: x * 2^(64 words), below
the modulus.

Between operations a limb may hold any signed 64-bit number; carries then move up once.
Ref: Gueron, Krasnov, "Accelerating Big Integer Arithmetic Using Intel IFMA Extensions" (2016).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from llvmlite import ir

from protocol.crypto.field_code import (
    CODES,
    FQ,
    FR,
    QUADRATIC,
    Code,
    Function,
    Operations,
    lookup,
)

LANES = 8
_BITS = 52
_MASK = (1 << _BITS) - 1
_I32, _I64, _BYTE = ir.IntType(32), ir.IntType(64), ir.IntType(8)
VECTOR = ir.VectorType(_I64, LANES)
MASK = ir.VectorType(ir.IntType(1), LANES)

_Vectors = list[ir.Value]


def splat(number: int) -> ir.Constant:
    """`number` mod 2^64 in every lane."""
    return ir.Constant(VECTOR, [number % (1 << 64)] * LANES)


def _constant_like(value: ir.Value) -> Callable[[int], ir.Constant]:
    return splat if value.type == VECTOR else lambda number: ir.Constant(_I64, number)


def broadcast(builder: ir.IRBuilder, word: ir.Value) -> ir.Value:
    """`word` in every lane."""
    first = builder.insert_element(splat(0), word, ir.Constant(_I32, 0))
    return _shuffle(builder, first, first, [0] * LANES)


def _shuffle(builder: ir.IRBuilder, a: ir.Value, b: ir.Value, places: list[int]) -> ir.Value:
    """The lanes of a, then b, with these numbers."""
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(_I32, len(places)), places))


def limb_count(words: int) -> int:
    return -(-64 * words // _BITS)


class LaneFunction(Function):
    """An LLVM function on elements of lanes while its body is being written."""

    word_type = VECTOR
    suffix = "x8"

    @property
    def word_count(self) -> int:
        return limb_count(self.field.limbs)

    def constants(self, number: int) -> _Vectors:
        return [splat(number >> _BITS * i & _MASK) for i in range(self.word_count)]

    def is_zero(self, limbs: _Vectors) -> ir.Value:
        """A mask of the lanes in which the number is 0."""
        combined = limbs[0]
        for limb in limbs[1:]:
            combined = self.builder.or_(combined, limb)
        return self.builder.icmp_unsigned("==", combined, splat(0))

    def intrinsic(self, name: str, *args: ir.Value) -> ir.Value:
        signature = ir.FunctionType(VECTOR, [VECTOR] * len(args))
        function = self.module.globals.get(name) or ir.Function(self.module, signature, name)
        return self.builder.call(function, args)

    def add_low(self, total: ir.Value, a: ir.Value, b: ir.Value) -> ir.Value:
        """total + the low 52 bits of the product of the low 52 bits of a and b."""
        return self.intrinsic("llvm.x86.avx512.vpmadd52l.uq.512", total, a, b)

    def add_high(self, total: ir.Value, a: ir.Value, b: ir.Value) -> ir.Value:
        """total + bits 52 to 103 of the product of the low 52 bits of a and b."""
        return self.intrinsic("llvm.x86.avx512.vpmadd52h.uq.512", total, a, b)

    def carried(self, limbs: _Vectors) -> _Vectors:
        """The same number, if it is not negative and fits, with limbs of 52 bits."""
        builder, carry, low = self.builder, splat(0), []
        for limb in limbs:
            total = builder.add(limb, carry)
            low.append(builder.and_(total, splat(_MASK)))
            carry = builder.ashr(total, splat(_BITS))
        return low

    def at_least_zero(self, limbs: _Vectors) -> ir.Value:
        """The number in `limbs`, or with the modulus added where it is negative, as element."""
        builder, carry, lifted = self.builder, splat(0), []
        for limb in limbs:
            carry = builder.ashr(builder.add(limb, carry), splat(_BITS))
        negative = builder.icmp_signed("<", carry, splat(0))
        for limb, word in zip(limbs, self.constants(self.field.modulus), strict=True):
            lifted.append(builder.select(negative, builder.add(limb, word), limb))
        return self.pack(self.carried(lifted))

    def below_zero(self, limbs: _Vectors) -> ir.Value:
        """The number in `limbs`, below twice the modulus, less the modulus if that is possible."""
        modulus = self.constants(self.field.modulus)
        return self.at_least_zero(
            [self.builder.sub(x, m) for x, m in zip(limbs, modulus, strict=True)]
        )

    def raw_add(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """a + b without reduction: below twice the modulus, which `mul` of Fq accepts."""
        sums = [self.builder.add(*x) for x in zip(self.split(a), self.split(b), strict=True)]
        return self.pack(self.carried(sums))

    def limbs_of_words(self, words: _Vectors) -> _Vectors:
        """Limbs of 52 bits of numbers given as vectors of words, or of one given as words."""
        builder, limbs, constant = self.builder, [], _constant_like(words[0])
        for i in range(self.word_count):
            word, bit = divmod(_BITS * i, 64)
            limb = builder.lshr(words[word], constant(bit))
            if bit + _BITS > 64 and word + 1 < len(words):
                limb = builder.or_(limb, builder.shl(words[word + 1], constant(64 - bit)))
            limbs.append(builder.and_(limb, constant(_MASK)))
        return limbs

    def spread(self, element: ir.Value) -> ir.Value:
        """An element of words in every lane."""
        words = [self.builder.extract_value(element, i) for i in range(self.field.limbs)]
        return self.pack([broadcast(self.builder, limb) for limb in self.limbs_of_words(words)])

    def words_of_limbs(self, limbs: _Vectors) -> _Vectors:
        """The reverse of limbs_of_words."""
        builder, words, constant = self.builder, [], _constant_like(limbs[0])
        for i in range(self.field.limbs):
            first, bit = divmod(64 * i, _BITS)
            word = builder.lshr(limbs[first], constant(bit))
            for j in range(first + 1, len(limbs)):
                shift = _BITS * j - 64 * i
                if shift < 64:
                    word = builder.or_(word, builder.shl(limbs[j], constant(shift)))
            words.append(word)
        return words


# --- arithmetic -----------------------------------------------------------------------------


def _emit_add(f: LaneFunction) -> ir.Value:
    pairs = zip(f.split(f.args[0]), f.split(f.args[1]), strict=True)
    return f.below_zero([f.builder.add(a, b) for a, b in pairs])


def _emit_sub(f: LaneFunction) -> ir.Value:
    pairs = zip(f.split(f.args[0]), f.split(f.args[1]), strict=True)
    return f.at_least_zero([f.builder.sub(a, b) for a, b in pairs])


def _emit_raw_sub(f: LaneFunction) -> ir.Value:
    """a - b plus the modulus: below twice the modulus, which `mul` of Fq accepts for a factor."""
    builder, modulus = f.builder, f.constants(f.field.modulus)
    triples = zip(f.split(f.args[0]), modulus, f.split(f.args[1]), strict=True)
    return f.pack(f.carried([builder.sub(builder.add(a, m), b) for a, m, b in triples]))


def _emit_neg(f: LaneFunction) -> ir.Value:
    builder, limbs = f.builder, f.split(f.args[0])
    zero, modulus = f.is_zero(limbs), f.constants(f.field.modulus)
    negated = f.carried([builder.sub(m, a) for m, a in zip(modulus, limbs, strict=True)])
    return f.pack([builder.select(zero, splat(0), limb) for limb in negated])


def _emit_mul(f: LaneFunction) -> ir.Value:
    """a*b / 2^(64 words). Correct for any a, b with a*b < modulus * 2^(64 words).

    Round i adds a[i] * b and what makes limb i zero: 52 bits, in the last round those that are
    left of 64 words. The products of the next round are begun first, as they wait for nothing.
    """
    builder = f.builder
    a, b = f.split(f.args[0]), f.split(f.args[1])
    modulus = f.constants(f.field.modulus)
    inverse = splat(-pow(f.field.modulus, -1, 1 << _BITS) % (1 << _BITS))
    last_bits = 64 * f.field.limbs - _BITS * (len(a) - 1)
    last_mask = splat((1 << last_bits) - 1)
    total: _Vectors = [splat(0)] * (2 * len(a))

    def add_product(at: int, factor: ir.Value, limbs: _Vectors) -> None:
        for j, limb in enumerate(limbs, at):
            total[j] = f.add_low(total[j], factor, limb)
            total[j + 1] = f.add_high(total[j + 1], factor, limb)

    add_product(0, a[0], b)
    for i in range(len(a)):
        m = f.add_low(splat(0), total[i], inverse)
        if i + 1 < len(a):
            add_product(i + 1, a[i + 1], b)
            add_product(i, m, modulus)
            total[i + 1] = builder.add(total[i + 1], builder.lshr(total[i], splat(_BITS)))
        else:
            add_product(i, builder.and_(m, last_mask), modulus)
    return f.below_zero(
        [
            builder.add(
                builder.lshr(here, splat(last_bits)),
                builder.shl(builder.and_(above, last_mask), splat(_BITS - last_bits)),
            )
            for here, above in pairwise(total[len(a) - 1 :])
        ]
    )


def _emit_square(f: LaneFunction) -> ir.Value:
    return f.call("mul", f.args[0], f.args[0])


def _emit_inverse(f: LaneFunction) -> ir.Value:
    """One inversion for all lanes: 1 / a is the product of the others by the inverse of all's."""
    builder, limbs = f.builder, f.split(f.args[0])
    zero, one = f.is_zero(limbs), f.constants(f.field.radix % f.field.modulus)
    given = f.pack([builder.select(zero, *x) for x in zip(one, limbs, strict=True)])

    def exchanged(element: ir.Value, distance: int) -> ir.Value:
        """Each lane has what the lane had whose number differs in this one bit."""
        places = [lane ^ distance for lane in range(LANES)]
        return f.pack([_shuffle(builder, limb, limb, places) for limb in f.split(element)])

    others = exchanged(given, 1)
    product = f.call("mul", given, others)
    for distance in (2, 4):
        others = f.call("mul", others, exchanged(product, distance))
        product = f.call("mul", product, exchanged(product, distance))
    first = [builder.extract_element(limb, ir.Constant(_I32, 0)) for limb in f.split(product)]
    words = f.pack(f.words_of_limbs(first))
    inverted = builder.call(lookup(f.module, f"{f.field.name}_inverse"), [words])
    result = f.split(f.call("mul", others, f.spread(inverted)))
    return f.pack([builder.select(zero, splat(0), limb) for limb in result])


# --- memory ---------------------------------------------------------------------------------


def _join(builder: ir.IRBuilder, parts: _Vectors) -> ir.Value:
    """The lanes of all parts in one vector; their number is a power of two."""
    while len(parts) > 1:
        places = list(range(2 * parts[0].type.count))
        pairs = zip(parts[::2], parts[1::2], strict=True)
        parts = [_shuffle(builder, a, b, places) for a, b in pairs]
    return parts[0]


def _transpose(builder: ir.IRBuilder, rows: _Vectors) -> _Vectors:
    """Within each block of n lanes, n = 2^k the number of rows, exchange rows and columns."""
    rows, step = list(rows), 1
    while step < len(rows):
        for i in range(len(rows)):
            if not i & step:
                a, b = rows[i], rows[i + step]
                first = [j if not j & step else LANES + (j ^ step) for j in range(LANES)]
                second = [j ^ step if not j & step else LANES + j for j in range(LANES)]
                rows[i] = _shuffle(builder, a, b, first)
                rows[i + step] = _shuffle(builder, a, b, second)
        step *= 2
    return rows


def _pieces(words: int) -> list[tuple[int, int]]:
    """(offset, n) of runs of words that are loaded and stored at once: n = 4, then 2."""
    return [(at, min(4, words - at)) for at in range(0, words, 4)]


def _lane_pointers(
    f: LaneFunction, data: ir.Value, index: ir.Value, size: int, elsewhere: ir.Value
) -> list[ir.Value]:
    """Where element `index` starts in each lane; `elsewhere` in lanes with a negative index."""
    builder = f.builder
    offsets = builder.mul(index, splat(8 * size))
    addresses = builder.add(broadcast(builder, builder.ptrtoint(data, _I64)), offsets)
    outside = builder.icmp_signed("<", index, splat(0))
    harmless = broadcast(builder, builder.ptrtoint(elsewhere, _I64))
    addresses = builder.select(outside, harmless, addresses)
    lanes = [builder.extract_element(addresses, ir.Constant(_I32, i)) for i in range(LANES)]
    return [builder.inttoptr(address, ir.PointerType(_I64)) for address in lanes]


def _piece(f: LaneFunction, pointer: ir.Value, at: int, count: int) -> ir.Value:
    address = f.builder.gep(pointer, [ir.Constant(_I64, at)])
    return f.builder.bitcast(address, ir.PointerType(ir.VectorType(_I64, count)))


def _gathered(f: LaneFunction, pointers: list[ir.Value], start: int) -> ir.Value:
    words: _Vectors = []
    for at, count in _pieces(f.field.limbs):
        parts = [f.builder.load(_piece(f, p, start + at, count), align=8) for p in pointers]
        rows = [_join(f.builder, parts[i::count]) for i in range(count)]
        words += _transpose(f.builder, rows)
    return f.pack(f.limbs_of_words(words))


def _scatter(f: LaneFunction, pointers: list[ir.Value], start: int, element: ir.Value) -> None:
    words = f.words_of_limbs(f.split(element))
    for at, count in _pieces(f.field.limbs):
        rows = _transpose(f.builder, words[at : at + count])
        for lane, pointer in enumerate(pointers):
            first = lane // count * count
            places = list(range(first, first + count))
            row = rows[lane % count]
            part = _shuffle(f.builder, row, row, places)
            f.builder.store(part, _piece(f, pointer, start + at, count), align=8)


def _scratch(f: LaneFunction, words: int) -> ir.Value:
    """A pointer to so many words of the function's own."""
    array = f.builder.alloca(_I64, ir.Constant(_I64, words))
    array.align = 64
    return array


def _parts(f: LaneFunction, element: ir.Value) -> list[ir.Value]:
    """The elements of the prime field in an element."""
    if f.element.element == VECTOR:
        return [element]
    return [f.builder.extract_value(element, i) for i in range(2)]


def memory_function(module: ir.Module, field_name: str, operation: str) -> ir.Function:
    """gather(data, index vector) -> element, 0 where the index is negative, or
    scatter(data, index vector, element), which skips negative indices.

    data: a pointer to words; elements in memory are those of field_code.py.
    """
    present = module.globals.get(f"wattlane_{field_name}_{operation}")
    if present is not None:
        return present
    f = LaneFunction(module, CODES[field_name].field, f"{field_name}_{operation}")
    pointer, parts = ir.PointerType(_I64), 2 if field_name.startswith("fq2") else 1
    size = parts * f.field.limbs
    starts = range(0, size, f.field.limbs)
    if operation == "gather":
        f.start(f.element, [pointer, VECTOR])
        zeros = _scratch(f, size)
        for i in range(size):
            f.builder.store(ir.Constant(_I64, 0), f.builder.gep(zeros, [ir.Constant(_I64, i)]))
        pointers = _lane_pointers(f, f.args[0], f.args[1], size, zeros)
        elements = [_gathered(f, pointers, start) for start in starts]
        f.builder.ret(f.pack(elements) if parts == 2 else elements[0])
    else:
        f.start(ir.VoidType(), [pointer, VECTOR, f.element])
        sink = _scratch(f, size)
        pointers = _lane_pointers(f, f.args[0], f.args[1], size, sink)
        for start, element in zip(starts, _parts(f, f.args[2]), strict=True):
            _scatter(f, pointers, start, element)
        f.builder.ret_void()
    f.function.attributes.add("noinline")
    return f.function


_PRIME: Operations = {
    "add": (2, _emit_add),
    "sub": (2, _emit_sub),
    "rawsub": (2, _emit_raw_sub),
    "neg": (1, _emit_neg),
    "mul": (2, _emit_mul),
    "square": (1, _emit_square),
    "inverse": (1, _emit_inverse),
}

_MANY_REGISTERS = "x86_regcallcc"
CODES |= {
    "frx8": Code(LaneFunction, FR, _PRIME, frozenset({"mul", "inverse"}), _MANY_REGISTERS),
    "fqx8": Code(LaneFunction, FQ, _PRIME, frozenset({"mul", "inverse"}), _MANY_REGISTERS),
    "fq2x8": Code(LaneFunction, FQ, QUADRATIC, frozenset({"mul", "square", "inverse"})),
}
