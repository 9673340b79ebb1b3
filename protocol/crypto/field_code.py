"""Invariant: the machine code of field arithmetic is written once, for any number of words.

Each operation is an LLVM function on arrays of 64-bit words, least significant first, in
Montgomery form, canonical in and out. Words are multiplied to 128 bits and added in chains of
carries, for which processors have instructions. It uses nothing that only one of them has, so
the same functions compile for CPU and GPU; only how a carry is written down differs.
Ref: Koc, Acar, Kaliski, "Analyzing and Comparing Montgomery Multiplication Algorithms" (CIOS).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, SupportsInt

import numpy as np
from llvmlite import ir

from protocol.crypto.inversion_code import emit_inverse

Words = tuple[np.uint64, ...]
WORD_MASK = (1 << 64) - 1
_I64, _I128 = ir.IntType(64), ir.IntType(128)


# --- the fields -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PrimeField:
    """A prime field whose modulus leaves the top bit of its `limbs` 64-bit words free."""

    name: str
    modulus: int
    limbs: int

    @property
    def radix(self) -> int:
        """The Montgomery factor 2^(64 limbs)."""
        return 1 << 64 * self.limbs

    def words(self, number: int) -> Words:
        """`number` as words, least significant first, as it is."""
        return tuple(np.uint64(number >> 64 * i & WORD_MASK) for i in range(self.limbs))

    def encode(self, number: int) -> Words:
        """`number` mod the modulus in Montgomery form."""
        return self.words(number * self.radix % self.modulus)

    def decode(self, words: Iterable[SupportsInt]) -> int:
        """The int in 0 .. modulus - 1 whose Montgomery form `words` is."""
        number = sum(int(word) << 64 * i for i, word in enumerate(words))
        return number * pow(self.radix, -1, self.modulus) % self.modulus


FR = PrimeField("fr", 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001, 4)
FQ = PrimeField(
    "fq",
    0x1A0111EA397FE69A4B1BA7B6434BACD764774B84F38512BF6730D2A0F6B0F6241EABFFFEB153FFFFB9FEFFFFFFFFAAAB,
    6,
)
"""Ref: draft-irtf-cfrg-pairing-friendly-curves, 4.2.1."""

_Words = list[ir.Value]


class Function:
    """An LLVM function on field elements while its body is being written."""

    word_type: ir.Type = _I64
    suffix = ""
    """Of the fields' names: which sort of elements these are."""

    def __init__(self, module: ir.Module, field: PrimeField, name: str) -> None:
        self.module, self.field = module, field
        self.number = ir.IntType(64 * field.limbs)
        self.element = ir.ArrayType(self.word_type, self.word_count)
        if name.startswith("fq2"):
            self.element = ir.ArrayType(self.element, 2)
        self.name = f"wattlane_{name}"

    @property
    def word_count(self) -> int:
        return self.field.limbs

    def start(self, result: ir.Type, arguments: list[ir.Type]) -> None:
        """Begin the body of a function of this type."""
        signature = ir.FunctionType(result, arguments)
        self.function = ir.Function(self.module, signature, self.name)
        self.function.linkage = "internal"
        self.function.attributes.add("nounwind")
        self.args = self.function.args
        self.builder = ir.IRBuilder(self.function.append_basic_block("entry"))

    def word(self, number: int) -> ir.Constant:
        return ir.Constant(_I64, number)

    def constant(self, number: int) -> ir.Constant:
        return ir.Constant(self.number, number)

    def split(self, element: ir.Value) -> list[ir.Value]:
        return [self.builder.extract_value(element, i) for i in range(self.word_count)]

    def pack(self, words: list[ir.Value]) -> ir.Value:
        packed = ir.Constant(ir.ArrayType(words[0].type, len(words)), ir.Undefined)
        for i, word in enumerate(words):
            packed = self.builder.insert_value(packed, word, i)
        return packed

    def to_number(self, element: ir.Value) -> ir.Value:
        """The words of an element as one wide integer."""
        wide = self.constant(0)
        for i, word in enumerate(self.split(element)):
            shifted = self.builder.shl(self.builder.zext(word, self.number), self.constant(64 * i))
            wide = self.builder.or_(wide, shifted)
        return wide

    def to_element(self, wide: ir.Value) -> ir.Value:
        builder = self.builder
        shifted = [builder.lshr(wide, self.constant(64 * i)) for i in range(self.field.limbs)]
        return self.pack([builder.trunc(part, _I64) for part in shifted])

    def below_twice(self, wide: ir.Value) -> ir.Value:
        """`wide` mod the modulus, for `wide` below twice the modulus."""
        less = self.builder.sub(wide, self.constant(self.field.modulus))
        negative = self.builder.icmp_signed("<", less, self.constant(0))
        return self.builder.select(negative, wide, less)

    def add_words(self, a: _Words, b: _Words) -> tuple[_Words, ir.Value]:
        """(sum, carry word) of two numbers of equally many words: one chain of carries."""
        if is_for_gpu(self.module):
            return self.add_numbers(a, b)
        builder, total, carry = self.builder, [], self.word(0)
        for x, y in zip(a, b, strict=True):
            first = builder.uadd_with_overflow(x, y)
            second = builder.uadd_with_overflow(builder.extract_value(first, 0), carry)
            overflows = [builder.extract_value(sum_, 1) for sum_ in (first, second)]
            total.append(builder.extract_value(second, 0))
            carry = builder.zext(builder.or_(*overflows), _I64)
        return total, carry

    def add_numbers(self, a: _Words, b: _Words) -> tuple[_Words, ir.Value]:
        """add_words as one wide addition, which a GPU has add-with-carry for; with the overflow
        of each word it would compare instead and need half as many instructions more."""
        builder, wide = self.builder, ir.IntType(64 * (len(a) + 1))
        numbers = []
        for words in (a, b):
            number = ir.Constant(wide, 0)
            for i, word in enumerate(words):
                shifted = builder.shl(builder.zext(word, wide), ir.Constant(wide, 64 * i))
                number = builder.or_(number, shifted)
            numbers.append(number)
        total = builder.add(*numbers)
        shifts = [ir.Constant(wide, 64 * i) for i in range(len(a) + 1)]
        *words, carry = [builder.trunc(builder.lshr(total, shift), _I64) for shift in shifts]
        return words, carry

    def add_product(self, total: _Words, a: ir.Value, words: _Words) -> _Words:
        """total + a * words; total has one word more than `words`, and the sum must fit it."""
        builder = self.builder
        low, high = [], []
        for word in words:
            wide = builder.mul(builder.zext(a, _I128), builder.zext(word, _I128))
            low.append(builder.trunc(wide, _I64))
            high.append(builder.trunc(builder.lshr(wide, ir.Constant(_I128, 64)), _I64))
        lower, carry = self.add_words(total[:-1], low)
        upper, _ = self.add_words([*lower[1:], builder.add(total[-1], carry)], high)
        return [lower[0], *upper]

    def raw_add(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """a + b without reduction: below twice the modulus, which `mul` of Fq accepts."""
        return self.to_element(self.builder.add(self.to_number(a), self.to_number(b)))

    def call(self, operation: str, *args: ir.Value) -> ir.Value:
        return self.builder.call(
            lookup(self.module, f"{self.field.name}{self.suffix}_{operation}"), args
        )


def _emit_add(f: Function) -> ir.Value:
    total = f.builder.add(f.to_number(f.args[0]), f.to_number(f.args[1]))
    return f.to_element(f.below_twice(total))


def _emit_sub(f: Function) -> ir.Value:
    difference = f.builder.sub(f.to_number(f.args[0]), f.to_number(f.args[1]))
    negative = f.builder.icmp_signed("<", difference, f.constant(0))
    lifted = f.builder.add(difference, f.constant(f.field.modulus))
    return f.to_element(f.builder.select(negative, lifted, difference))


def _emit_raw_sub(f: Function) -> ir.Value:
    """a - b plus the modulus: below twice the modulus, which `mul` of Fq accepts for a factor."""
    modulus = f.constant(f.field.modulus)
    lifted = f.builder.add(f.to_number(f.args[0]), modulus)
    return f.to_element(f.builder.sub(lifted, f.to_number(f.args[1])))


def _emit_neg(f: Function) -> ir.Value:
    number = f.to_number(f.args[0])
    zero = f.builder.icmp_unsigned("==", number, f.constant(0))
    negated = f.builder.sub(f.constant(f.field.modulus), number)
    return f.to_element(f.builder.select(zero, number, negated))


def _emit_mul(f: Function) -> ir.Value:
    """a*b / 2^(64 limbs). Correct for any a, b with a*b < modulus * 2^(64 limbs)."""
    a, b = f.split(f.args[0]), f.split(f.args[1])
    modulus = [f.word(int(word)) for word in f.field.words(f.field.modulus)]
    inverse = f.word(-pow(f.field.modulus, -1, 1 << 64) % (1 << 64))
    total = [f.word(0)] * (f.field.limbs + 1)
    for a_word in a:
        total = f.add_product(total, a_word, b)
        m = f.builder.mul(total[0], inverse)
        total = [*f.add_product(total, m, modulus)[1:], f.word(0)]
    return f.to_element(f.below_twice(f.to_number(f.pack(total[:-1]))))


def _parts(f: Function, index: int) -> list[ir.Value]:
    return [f.builder.extract_value(f.args[index], i) for i in range(2)]


def _coordinatewise(operation: str, arity: int) -> _Emit:
    def emit(f: Function) -> ir.Value:
        columns = zip(*(_parts(f, i) for i in range(arity)), strict=True)
        return f.pack([f.call(operation, *column) for column in columns])

    return emit


def _emit_fq2_mul(f: Function) -> ir.Value:
    """Karatsuba; the two sums stay unreduced, as q has three bits to spare."""
    (a0, a1), (b0, b1) = _parts(f, 0), _parts(f, 1)
    v0, v1 = f.call("mul", a0, b0), f.call("mul", a1, b1)
    cross = f.call("mul", f.raw_add(a0, a1), f.raw_add(b0, b1))
    return f.pack([f.call("sub", v0, v1), f.call("sub", f.call("sub", cross, v0), v1)])


def _emit_fq2_square(f: Function) -> ir.Value:
    a0, a1 = _parts(f, 0)
    real = f.call("mul", f.raw_add(a0, a1), f.call("sub", a0, a1))
    return f.pack([real, f.call("mul", f.raw_add(a0, a0), a1)])


def _emit_square(f: Function) -> ir.Value:
    return f.call("mul", f.args[0], f.args[0])


def _emit_inverse(f: Function) -> ir.Value:
    wide = emit_inverse(f.builder, f.to_number(f.args[0]), f.field.modulus, f.field.radix)
    return f.to_element(f.builder.trunc(wide, f.number))


def _emit_fq2_inverse(f: Function) -> ir.Value:
    a0, a1 = _parts(f, 0)
    norm = f.call("inverse", f.call("add", f.call("square", a0), f.call("square", a1)))
    return f.pack([f.call("mul", a0, norm), f.call("neg", f.call("mul", a1, norm))])


_Emit = Callable[[Any], ir.Value]
Operations = dict[str, tuple[int, _Emit]]
"""By name: how many elements an operation takes, and what writes its body."""

_PRIME: Operations = {
    "add": (2, _emit_add),
    "sub": (2, _emit_sub),
    "rawsub": (2, _emit_raw_sub),
    "neg": (1, _emit_neg),
    "mul": (2, _emit_mul),
    "square": (1, _emit_square),
    "inverse": (1, _emit_inverse),
}
QUADRATIC: Operations = {
    "add": (2, _coordinatewise("add", 2)),
    "sub": (2, _coordinatewise("sub", 2)),
    "rawsub": (2, _coordinatewise("rawsub", 2)),
    "neg": (1, _coordinatewise("neg", 1)),
    "mul": (2, _emit_fq2_mul),
    "square": (1, _emit_fq2_square),
    "inverse": (1, _emit_fq2_inverse),
}


@dataclass(frozen=True, slots=True)
class Code:
    """How the functions of one field are written."""

    function: type[Function]
    field: PrimeField
    operations: Operations
    called: frozenset[str]
    """What is not copied to its uses."""
    convention: str = ""
    """How arguments are passed to what is called, if not as usual."""


CODES = {
    "fr": Code(Function, FR, _PRIME, frozenset({"mul", "inverse"})),
    "fq": Code(Function, FQ, _PRIME, frozenset({"inverse"})),  # calling mul would cost 10%
    "fq2": Code(Function, FQ, QUADRATIC, frozenset({"mul", "square", "inverse"})),
}
"""By the first part of a function's name."""
_CALLED_ON_GPU = ("fq_mul",)  # 16 KB of instructions there: copies would not fit their cache


def is_for_gpu(module: ir.Module) -> bool:
    """Whether the code of `module` will run on a GPU."""
    return str(module.triple).startswith("nvptx")


def lookup(module: ir.Module, name: str) -> ir.Function:
    """The LLVM function `name` (field and operation) of `module`, written there if it is new."""
    present = module.globals.get(f"wattlane_{name}")
    if present is not None:
        return present
    field_name, operation = name.split("_")
    code = CODES[field_name]
    arity, emit = code.operations[operation]
    f = code.function(module, code.field, name)
    f.start(f.element, [f.element] * arity)
    if operation in code.called or (name in _CALLED_ON_GPU and is_for_gpu(module)):
        f.function.attributes.add("noinline")
        f.function.calling_convention = code.convention
    else:
        f.function.attributes.add("alwaysinline")
    f.builder.ret(emit(f))
    return f.function
