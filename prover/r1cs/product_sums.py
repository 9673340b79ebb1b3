"""Invariant: a sum of products in Fr is reduced once, however many products it has.

The sum is kept whole, in 9 words: a product is below 2^510, so that 2^66 of them fit. Adding one
takes half of what `mul` does, as no multiple of the modulus is added.
"""

from __future__ import annotations

from typing import Any, Protocol

from llvmlite import ir
from numba import extending, types

from protocol.crypto.field_code import FR, Function, Words
from protocol.crypto.kernel_cache import inner
from protocol.crypto.kernels import FR_ONE, FR_RADIX_SQUARED, FR_TYPE, FR_UNIT, add, mul

_WORDS = 2 * FR.limbs + 1
_I64 = ir.IntType(64)
_NAME = "fr_add_product"
_UniTuple: Any = types.UniTuple
_intrinsic: Any = extending.intrinsic

SUM_TYPE = _UniTuple(types.uint64, _WORDS)
EMPTY: Words = FR.words(0) + FR.words(0) + FR.words(0)[:1]


class _AddProduct(Protocol):
    def __call__(self, total: Words, a: Any, b: Any, /) -> Words: ...


def _emitted(module: ir.Module) -> ir.Function:
    """The function that adds the product of two elements to a sum, written into `module` once."""
    present = module.globals.get(f"wattlane_{_NAME}")
    if present is not None:
        return present
    f = Function(module, FR, _NAME)
    sum_type = ir.ArrayType(_I64, _WORDS)
    f.start(sum_type, [sum_type, f.element, f.element])
    f.function.attributes.add("alwaysinline")
    product = [f.word(0)] * (FR.limbs + 1)
    done = []
    for word in f.split(f.args[1]):
        lowest, *rest = f.add_product(product, word, f.split(f.args[2]))
        done.append(lowest)
        product = [*rest, f.word(0)]
    whole = [*done, *product[:-1], f.word(0)]
    total = [f.builder.extract_value(f.args[0], i) for i in range(_WORDS)]
    f.builder.ret(f.pack(f.add_words(total, whole)[0]))
    return f.function


def define_add_product(typing_context: Any, total: Any, a: Any, b: Any) -> Any:
    if (total, a, b) != (SUM_TYPE, FR_TYPE, FR_TYPE):
        return None

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.call(_emitted(builder.module), args)

    return SUM_TYPE(SUM_TYPE, FR_TYPE, FR_TYPE), codegen


add_product: _AddProduct = _intrinsic(define_add_product)


@inner
def reduced(total: Any) -> Any:
    """total / 2^256: the sum of what `mul` gives for each of the products."""
    low = mul((total[0], total[1], total[2], total[3]), FR_UNIT)
    middle = mul((total[4], total[5], total[6], total[7]), FR_ONE)
    zero = total[8] ^ total[8]
    high = mul((total[8], zero, zero, zero), FR_RADIX_SQUARED)
    return add(add(low, middle), high)
