"""Invariant: a kernel written with these works on one element at a time, or on eight, alike.

The type of the elements decides, which a kernel gets by its `one`:

    lanes(one)                    how many elements are worked on at once, 1 or 8
    gather(array, index, like)    element number `index`; 0 where the index is negative
    scatter(array, index, x)      store it; nothing where the index is negative
    indices(array, at, stop, like)   array[at], or eight from there, -1 from array[stop] on
    count_up(at, stop, step, like)   step * at, or step * (at, at + 1, ...), -1 from `stop` on
    odd(index)                    a condition, as `is_zero` and `equal` give them
    any_lane(c)  all_lanes(c)     -> bool; conditions are combined by & and |
    select(c, a, b)               a where c holds, else b
    spread(element)               eight of them
    load_one(array, index, like)  the element number `index`, an int, in each lane

An index is an int, or eight in a VECTOR; `&`, `|`, `+`, `<<` and `>>` are for both. With one
element, a condition is a bool, so that `if any_lane(c)` skips what is not needed.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import extending, types

from protocol.crypto import kernels, lane_code
from protocol.crypto.field_code import FQ, FR
from protocol.crypto.kernel_cache import inner
from protocol.crypto.kernels import FQ2_ZERO, FQ_ZERO, FR_ZERO, load, store, sub
from protocol.crypto.lane_code import LANES, LaneFunction, broadcast, memory_function, splat
from protocol.crypto.lane_types import (
    CONDITION,
    FQ2X8_TYPE,
    FQX8_TYPE,
    FRX8_TYPE,
    ONE_LANE,
    VECTOR,
    condition,
    mask,
)

_I32, _I64 = ir.IntType(32), ir.IntType(64)
_Compiled = Callable[..., Any]
_intrinsic: Callable[[_Compiled], _Compiled] = extending.intrinsic
_overload: Any = extending.overload
_OPTIONS = {"nogil": True, "error_model": "numpy"}
_EIGHT = {one: eight for eight, one in ONE_LANE.items()}
_ZEROS = {FRX8_TYPE: FR_ZERO, FQX8_TYPE: FQ_ZERO, FQ2X8_TYPE: FQ2_ZERO}
_NAMES = {FRX8_TYPE: "frx8", FQX8_TYPE: "fqx8", FQ2X8_TYPE: "fq2x8"}


def _stub(name: str) -> Any:
    def stub(*args: Any) -> Any:
        raise NotImplementedError(f"{name} is callable from compiled functions only")

    stub.__name__ = name
    return stub


lanes: Any = _stub("lanes")
gather: Any = _stub("gather")
load_one: Any = _stub("load_one")
scatter: Any = _stub("scatter")
indices: Any = _stub("indices")
count_up: Any = _stub("count_up")
odd: Any = _stub("odd")
any_lane: Any = _stub("any_lane")
all_lanes: Any = _stub("all_lanes")
select: Any = _stub("select")


# --- what only lanes do ---------------------------------------------------------------------


def _data(context: Any, builder: Any, array_type: Any, array: Any) -> Any:
    return context.make_array(array_type)(context, builder, array).data


@_intrinsic
def _gather(typing_context: Any, array: Any, index: Any, like: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        function = memory_function(builder.module, _NAMES[like], "gather")
        return builder.call(function, [_data(context, builder, array, args[0]), args[1]])

    return like(array, VECTOR, like), codegen


@_intrinsic
def _scatter(typing_context: Any, array: Any, index: Any, element: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        function = memory_function(builder.module, _NAMES[element], "scatter")
        builder.call(function, [_data(context, builder, array, args[0]), *args[1:]])
        return context.get_dummy_value()

    return types.void(array, VECTOR, element), codegen


def _lane_numbers() -> Any:
    return ir.Constant(lane_code.VECTOR, list(range(LANES)))


@_intrinsic
def _indices(typing_context: Any, array: Any, at: Any, stop: Any) -> Any:
    """array[at : at + 8], for at < stop, with -1 from array[stop] on; nothing there is read."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data, numbers = _data(context, builder, array, args[0]), splat(0)
        places = builder.add(broadcast(builder, args[1]), _lane_numbers())
        inside = builder.icmp_signed("<", places, broadcast(builder, args[2]))
        places = builder.select(inside, places, broadcast(builder, args[1]))
        for lane in (ir.Constant(_I32, i) for i in range(LANES)):
            pointer = builder.gep(data, [builder.extract_element(places, lane)])
            number = builder.sext(builder.load(pointer), _I64)
            numbers = builder.insert_element(numbers, number, lane)
        return builder.select(inside, numbers, splat(-1))

    return VECTOR(array, types.int64, types.int64), codegen


@_intrinsic
def _count_up(typing_context: Any, at: Any, stop: Any, step: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at, stop, step = (broadcast(builder, arg) for arg in args)
        places = builder.add(at, _lane_numbers())
        inside = builder.icmp_signed("<", places, stop)
        return builder.select(inside, builder.mul(places, step), splat(-1))

    return VECTOR(types.int64, types.int64, types.int64), codegen


@_intrinsic
def _odd(typing_context: Any, index: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return condition(builder, builder.trunc(args[0], lane_code.MASK))

    return CONDITION(VECTOR), codegen


@_intrinsic
def _select(typing_context: Any, c: Any, a: Any, b: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        chosen, lane_mask = args[2], mask(builder, args[0])
        for leaf in kernels.leaves(a):
            left, right = (builder.extract_value(x, leaf) for x in args[1:])
            chosen = builder.insert_value(chosen, builder.select(lane_mask, left, right), leaf)
        return chosen

    return a(CONDITION, a, a), codegen


@_intrinsic
def spread(typing_context: Any, element: Any) -> Any:
    like = _EIGHT.get(element)
    if like is None:
        return None
    field = FR if like == FRX8_TYPE else FQ

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        f = LaneFunction(builder.module, field, _NAMES[like])
        f.builder = builder
        if like != FQ2X8_TYPE:
            return f.spread(args[0])
        return f.pack([f.spread(builder.extract_value(args[0], i)) for i in range(2)])

    return like(element), codegen


# --- one name for both ----------------------------------------------------------------------


CHOOSERS: dict[Any, _Compiled] = {}
"""By name: what chooses, by types, what a call compiles to."""


def _choose(name: Any) -> Callable[[_Compiled], _Compiled]:
    """Make the decorated function choose what a call of `name` compiles to."""

    def register(chooser: _Compiled) -> _Compiled:
        chooser.__annotations__ = {}  # Numba wants those of what is chosen, and lambdas have none
        CHOOSERS[name] = chooser
        registered: _Compiled = _overload(name, jit_options=_OPTIONS)(chooser)
        return registered

    return register


@_choose(lanes)
def _lanes(like: Any) -> Any:
    count = LANES if like in ONE_LANE else 1
    return lambda like: count


@_choose(gather)
def _choose_gather(array: Any, index: Any, like: Any) -> Any:
    if like in ONE_LANE:
        return lambda array, index, like: _gather(array, index, like)
    return lambda array, index, like: load(array, index, like) if index >= 0 else sub(like, like)


@inner
def _store_if(condition: bool, array: Any, index: int, element: Any) -> None:
    if condition:
        store(array, index, element)


@_choose(load_one)
def _choose_load_one(array: Any, index: Any, like: Any) -> Any:
    if like not in ONE_LANE:
        return lambda array, index, like: load(array, index, like)
    zero = _ZEROS[like]
    return lambda array, index, like: spread(load(array, index, zero))


@_choose(scatter)
def _choose_scatter(array: Any, index: Any, element: Any) -> Any:
    if element in ONE_LANE:
        return lambda array, index, element: _scatter(array, index, element)

    return lambda array, index, element: _store_if(index >= 0, array, index, element)


@_choose(indices)
def _choose_indices(array: Any, at: Any, stop: Any, like: Any) -> Any:
    if like in ONE_LANE:
        return lambda array, at, stop, like: _indices(array, at, stop)
    return lambda array, at, stop, like: array[at]


@_choose(count_up)
def _choose_count_up(at: Any, stop: Any, step: Any, like: Any) -> Any:
    if like in ONE_LANE:
        return lambda at, stop, step, like: _count_up(at, stop, step)
    return lambda at, stop, step, like: step * at


@_choose(odd)
def _choose_odd(index: Any) -> Any:
    if index == VECTOR:
        return lambda index: _odd(index)
    return lambda index: index & 1 != 0


@_choose(any_lane)
def _choose_any_lane(c: Any) -> Any:
    return (lambda c: c) if c == types.boolean else (lambda c: c != 0)


@_choose(all_lanes)
def _choose_all_lanes(c: Any) -> Any:
    every = (1 << LANES) - 1
    return (lambda c: c) if c == types.boolean else (lambda c: c == every)


@_choose(select)
def _choose_select(c: Any, a: Any, b: Any) -> Any:
    if a in ONE_LANE:
        return lambda c, a, b: _select(c, a, b)
    return lambda c, a, b: a if c else b


# --- indices --------------------------------------------------------------------------------


def _register_operator(name: Any, emit: Callable[[Any, Any, Any], Any]) -> None:
    """index `name` number and index `name` index, lane by lane."""

    @_intrinsic
    def calculate(typing_context: Any, index: Any, other: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            right = args[1] if other == VECTOR else broadcast(builder, args[1])
            return emit(builder, args[0], right)

        return VECTOR(VECTOR, VECTOR if other == VECTOR else types.int64), codegen

    @_choose(name)
    def choose(index: Any, other: Any) -> Any:
        if index == VECTOR and (other == VECTOR or isinstance(other, types.Integer)):
            return lambda index, other: calculate(index, other)
        return None


_register_operator(operator.and_, lambda builder, a, b: builder.and_(a, b))
_register_operator(operator.or_, lambda builder, a, b: builder.or_(a, b))
_register_operator(operator.add, lambda builder, a, b: builder.add(a, b))
_register_operator(operator.lshift, lambda builder, a, b: builder.shl(a, b))
_register_operator(operator.rshift, lambda builder, a, b: builder.ashr(a, b))
