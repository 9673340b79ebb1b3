"""Invariant: one definition of field arithmetic, compiled to machine code, that equals Python ints.

Elements and their Numba types (all words uint64, least significant first, Montgomery form,
always canonical, that is below the modulus):

- Fr, the scalar field (what circuits see):  a tuple of 4 words, x * 2^256 mod r.
- Fq, the base field of G1:                  a tuple of 6 words, x * 2^384 mod q.
- Fq2 = Fq[u]/(u^2 + 1), that of G2:         a pair of Fq tuples (c0, c1) for c0 + c1 u.

The operations below work inside compiled functions only and pick their field by the type of
what they are given, so that one source serves all three:

    add(a, b)  sub(a, b)  neg(a)  mul(a, b)  square(a)  inverse(a)      inverse(0) is 0
    raw_sub(a, b)                 a - b, perhaps plus the modulus: only for one factor of `mul`
    is_zero(a) -> bool            equal(a, b) -> bool
    load(array, index, like)      element number `index` of a C-contiguous uint64 array, counted
                                  in elements of the type of `like` (a value of that field)
    store(array, index, element)
    prefetch(array, index, like)  have the processor fetch what will soon be loaded
    mul_high(a, b)                the upper word of the product of two words

They also take eight elements at once (lane_types.py), on processors that can: conditions are then
integers of one bit a lane, an element's words in memory are as in its vectors, and `prefetch`
takes eight indices. lane_kernels.py has what only they need, and what makes one source serve both.

Python's side has FR and FQ: `FR.encode(5)` is the tuple of 5 in Montgomery form, a constant that
a compiled function may use as a global; `FR.decode(words)` is the int again.

protocol/crypto/kernel_cache.py says how a kernel is written with them.

The definitions are plain functions (`define_mul` ...), so that a GPU target can decorate them
again with its own `intrinsic`; protocol/crypto/field_code.py holds what they emit.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

import numpy as np
from llvmlite import ir
from numba import extending, types
from numpy.typing import NDArray

from protocol.crypto import lane_types
from protocol.crypto.field_code import FQ, FR, lookup
from protocol.crypto.lane_code import LANES, limb_count, splat
from protocol.crypto.lane_types import FQ2X8_TYPE, FQX8_TYPE, FRX8_TYPE

_I64, _I128 = ir.IntType(64), ir.IntType(128)
_LINE_WORDS = 8  # of a cache line
_UniTuple: Any = types.UniTuple
_intrinsic: Any = extending.intrinsic

FR_TYPE = _UniTuple(types.uint64, 4)
FQ_TYPE = _UniTuple(types.uint64, 6)
FQ2_TYPE = _UniTuple(FQ_TYPE, 2)

# --- the operations as Numba sees them ------------------------------------------------------

_NAMES = {
    FR_TYPE: "fr",
    FQ_TYPE: "fq",
    FQ2_TYPE: "fq2",
    FRX8_TYPE: "frx8",
    FQX8_TYPE: "fqx8",
    FQ2X8_TYPE: "fq2x8",
}
_SIZES = {
    FR_TYPE: FR.limbs,
    FQ_TYPE: FQ.limbs,
    FQ2_TYPE: 2 * FQ.limbs,
    FRX8_TYPE: LANES * limb_count(FR.limbs),
    FQX8_TYPE: LANES * limb_count(FQ.limbs),
    FQ2X8_TYPE: LANES * 2 * limb_count(FQ.limbs),
}


def _call(operation: str, *given: Any) -> Any:
    """Typing and code of `operation` on elements of one and the same field."""
    field = _NAMES.get(given[0])
    if field is None or any(other != given[0] for other in given):
        return None

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.call(lookup(builder.module, f"{field}_{operation}"), args)

    return given[0](*given), codegen


def define_add(typing_context: Any, a: Any, b: Any) -> Any:
    return _call("add", a, b)


def define_sub(typing_context: Any, a: Any, b: Any) -> Any:
    return _call("sub", a, b)


def define_raw_sub(typing_context: Any, a: Any, b: Any) -> Any:
    return _call("rawsub", a, b)


def define_neg(typing_context: Any, a: Any) -> Any:
    return _call("neg", a)


def define_mul(typing_context: Any, a: Any, b: Any) -> Any:
    return _call("mul", a, b)


def define_square(typing_context: Any, a: Any) -> Any:
    return _call("square", a)


def define_inverse(typing_context: Any, a: Any) -> Any:
    """1 / a, and 0 for 0."""
    return _call("inverse", a)


def _address(context: Any, builder: Any, array_type: Any, array: Any, index: Any, size: int) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(data, [builder.mul(index, ir.Constant(_I64, size))])


def _is_words(array: Any) -> bool:
    return isinstance(array, types.Array) and array.layout == "C" and array.dtype == types.uint64


def leaves(element: Any, prefix: tuple[int, ...] = ()) -> list[tuple[int, ...]]:
    """The positions of an element's words (or vectors) inside its (nested) tuple, in order."""
    if element in (types.uint64, lane_types.VECTOR):
        return [prefix]
    return [leaf for i in range(element.count) for leaf in leaves(element.dtype, (*prefix, i))]


def _leaf_pointers(builder: Any, start: Any, element: Any, whole: Any) -> list[tuple[Any, Any]]:
    """(position, pointer) of the words or vectors of `element`, whose LLVM type is `whole`."""
    positions = leaves(element)
    leaf, words = whole, _SIZES[element] // len(positions)
    for _ in positions[0]:
        leaf = leaf.element
    starts = [builder.gep(start, [ir.Constant(_I64, words * i)]) for i in range(len(positions))]
    pointers = [builder.bitcast(at, ir.PointerType(leaf)) for at in starts]
    return list(zip(positions, pointers, strict=True))


def define_load(typing_context: Any, array: Any, index: Any, like: Any) -> Any:
    if not (_is_words(array) and isinstance(index, types.Integer) and like in _SIZES):
        return None

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        start = _address(context, builder, array, args[0], args[1], _SIZES[like])
        element = ir.Constant(context.get_value_type(like), ir.Undefined)
        for leaf, pointer in _leaf_pointers(builder, start, like, element.type):
            element = builder.insert_value(element, builder.load(pointer, align=8), leaf)
        return element

    return like(array, types.int64, like), codegen


def define_prefetch(typing_context: Any, array: Any, index: Any, like: Any) -> Any:
    lanes = index == lane_types.VECTOR
    if not (_is_words(array) and (lanes or isinstance(index, types.Integer)) and like in _SIZES):
        return None

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        size = _SIZES[lane_types.ONE_LANE.get(like, like)]
        byte_pointer, number = ir.PointerType(ir.IntType(8)), ir.IntType(32)
        code = ir.FunctionType(ir.VoidType(), [byte_pointer, number, number, number])
        name = "llvm.prefetch.p0"
        function = builder.module.globals.get(name) or ir.Function(builder.module, code, name)
        hints = [ir.Constant(number, hint) for hint in (0, 3, 1)]  # read, keep, data
        numbers = [args[1]]
        if lanes:
            numbers = [
                builder.extract_element(args[1], ir.Constant(number, i)) for i in range(LANES)
            ]
        for start in (_address(context, builder, array, args[0], i, size) for i in numbers):
            for word in {*range(0, size, _LINE_WORDS), size - 1}:
                at = builder.gep(start, [ir.Constant(_I64, word)])
                builder.call(function, [builder.bitcast(at, byte_pointer), *hints])
        return context.get_dummy_value()

    return types.void(array, index if lanes else types.int64, like), codegen


def define_store(typing_context: Any, array: Any, index: Any, element: Any) -> Any:
    if not (_is_words(array) and array.mutable and element in _SIZES):
        return None

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        start = _address(context, builder, array, args[0], args[1], _SIZES[element])
        for leaf, pointer in _leaf_pointers(builder, start, element, args[2].type):
            builder.store(builder.extract_value(args[2], leaf), pointer, align=8)
        return context.get_dummy_value()

    return types.void(array, types.int64, element), codegen


def _condition_type(element: Any) -> Any:
    return lane_types.CONDITION if element in lane_types.ONE_LANE else types.boolean


def _all_zero(builder: Any, words: list[Any]) -> Any:
    combined = words[0]
    for word in words[1:]:
        combined = builder.or_(combined, word)
    if combined.type == _I64:
        return builder.icmp_unsigned("==", combined, ir.Constant(_I64, 0))
    return lane_types.condition(builder, builder.icmp_unsigned("==", combined, splat(0)))


def define_is_zero(typing_context: Any, a: Any) -> Any:
    if a not in _SIZES:
        return None

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _all_zero(builder, [builder.extract_value(args[0], p) for p in leaves(a)])

    return _condition_type(a)(a), codegen


def define_equal(typing_context: Any, a: Any, b: Any) -> Any:
    if a not in _SIZES or a != b:
        return None

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        left, right = ([builder.extract_value(x, p) for p in leaves(a)] for x in args)
        differences = [builder.xor(x, y) for x, y in zip(left, right, strict=True)]
        return _all_zero(builder, differences)

    return _condition_type(a)(a, b), codegen


def define_mul_high(typing_context: Any, a: Any, b: Any) -> Any:
    if a != types.uint64 or b != types.uint64:
        return None

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        wide = [builder.zext(word, _I128) for word in args]
        return builder.trunc(builder.lshr(builder.mul(*wide), ir.Constant(_I128, 64)), _I64)

    return types.uint64(a, b), codegen


# --- names for kernels ----------------------------------------------------------------------

E = TypeVar("E")  # an element of any of the fields


class _Unary(Protocol):
    def __call__(self, a: E, /) -> E: ...


class _Binary(Protocol):
    def __call__(self, a: E, b: E, /) -> E: ...


class _IsZero(Protocol):
    def __call__(self, a: Any, /) -> bool: ...


class _Equal(Protocol):
    def __call__(self, a: E, b: E, /) -> bool: ...


class _Load(Protocol):
    def __call__(self, array: NDArray[np.uint64], index: int, like: E, /) -> E: ...


class _Prefetch(Protocol):
    def __call__(self, array: NDArray[np.uint64], index: int, like: Any, /) -> None: ...


class _MulHigh(Protocol):
    def __call__(self, a: np.uint64, b: np.uint64, /) -> np.uint64: ...


class _Store(Protocol):
    def __call__(self, array: NDArray[np.uint64], index: int, element: Any, /) -> None: ...


add: _Binary = _intrinsic(define_add)
sub: _Binary = _intrinsic(define_sub)
raw_sub: _Binary = _intrinsic(define_raw_sub)
neg: _Unary = _intrinsic(define_neg)
mul: _Binary = _intrinsic(define_mul)
square: _Unary = _intrinsic(define_square)
inverse: _Unary = _intrinsic(define_inverse)
is_zero: _IsZero = _intrinsic(define_is_zero)
equal: _Equal = _intrinsic(define_equal)
load: _Load = _intrinsic(define_load)
prefetch: _Prefetch = _intrinsic(define_prefetch)
store: _Store = _intrinsic(define_store)
mul_high: _MulHigh = _intrinsic(define_mul_high)

FR_ONE, FQ_ONE = FR.encode(1), FQ.encode(1)
FR_ZERO, FQ_ZERO = FR.encode(0), FQ.encode(0)
FQ2_ONE, FQ2_ZERO = (FQ_ONE, FQ_ZERO), (FQ_ZERO, FQ_ZERO)
FR_UNIT, FR_RADIX_SQUARED = FR.words(1), FR.encode(FR.radix)
"""mul by these leaves (x -> x / 2^256) and enters (x -> x * 2^256) Montgomery form."""
