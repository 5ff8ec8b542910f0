# ruff: noqa: ARG001  (numba calls with more arguments than some operations look at)
"""Fixed-width vectors inside compiled functions: a few lanes, a few operations, nothing else.

A loop over an array leaves it to the compiler whether and how to vectorize; for the short, ragged runs of
explanations that share two causes it decides badly. Here a value *is* a vector. LLVM maps it to whatever
the machine has (one AVX-512 register, two AVX2 registers, four of SSE or NEON), and since every lane is
rounded on its own, the result has the same bits on all of them.

Only for use inside functions compiled by numba: `load` and `store` take a flat C-ordered array and the
position of the first lane, and do not check bounds.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from llvmlite import ir  # type: ignore[import-untyped]  # llvmlite ships no types
from numba import extending, njit
from numba.core import types
from numba.extending import models, overload, register_model

__all__ = [
    "LANES",
    "WIDE",
    "Lanes",
    "align",
    "bits_below",
    "constant",
    "first_bit",
    "greatest",
    "intrinsic",
    "kernel",
    "largest",
    "least",
    "load",
    "select_or",
    "splat",
    "step",
    "store",
    "total",
    "widen",
    "zero_above",
]

LANES = 16
"""Lanes of a single-precision or 32-bit vector."""
WIDE = 8
"""Lanes of a double-precision or 64-bit vector."""


LINE = 64  # bytes of a cache line, and of a vector
Array = TypeVar("Array", bound=npt.NDArray[Any])


def align(array: Array) -> Array:
    """Copy an array to where its vectors do not cross cache lines: twice the traffic otherwise."""
    room = np.empty(array.nbytes + LINE, dtype=np.uint8)
    first = -room.ctypes.data % LINE
    place = room[first : first + array.nbytes].view(array.dtype).reshape(array.shape)
    place[...] = array
    return place  # type: ignore[return-value]  # of the type it is a copy of


_compile: Callable[..., Callable[[Callable[..., Any]], Any]] = njit
# References to arrays are not counted (an atomic operation each, for every array of every call), so that
# nothing may be allocated.
kernel = _compile(nogil=True, cache=True, error_model="numpy", _nrt=False)
"""Compile a function that Python calls."""
step = _compile(nogil=True, cache=True, error_model="numpy", _nrt=False, forceinline=True)
"""Compile a part of a kernel, put in place of its calls."""

# Numba types an operation as called by the compiler; here it is called by compiled functions.
intrinsic: Callable[[Callable[..., Any]], Any] = extending.intrinsic


class Lanes(types.Type):
    """The type of a vector of `count` numbers of one kind."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind
        self.count = WIDE if kind.bitwidth == 64 else LANES
        super().__init__(name=f"Lanes({kind}, {self.count})")

    @property
    def is_float(self) -> bool:
        """Whether the lanes are floating-point numbers."""
        return isinstance(self.kind, types.Float)


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, fe_type: Lanes) -> None:
        vector = ir.VectorType(manager[fe_type.kind].get_value_type(), fe_type.count)
        super().__init__(manager, fe_type, vector)  # type: ignore[no-untyped-call]  # half of numba has types


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, index: Any, vector: Any) -> Any:
    """Point at the first of a run of numbers."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), vector.as_pointer())


@intrinsic
def load(typingctx: Any, array: Any, index: Any) -> Any:
    """Read a vector."""
    out = Lanes(array.dtype)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, signature.args[0], args[0], args[1], context.get_value_type(out))
        return builder.load(pointer, align=array.dtype.bitwidth // 8)

    return out(array, types.intp), codegen


@intrinsic
def store(typingctx: Any, array: Any, index: Any, value: Any) -> Any:
    """Write a vector."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, signature.args[0], args[0], args[1], args[2].type)
        builder.store(args[2], pointer, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, value), codegen


def _splat(builder: Any, vector: Any, scalar: Any) -> Any:
    """Put one number in every lane."""
    zero = ir.IntType(32)(0)
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), scalar, zero)
    order = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), [0] * vector.count)
    return builder.shuffle_vector(first, ir.Constant(vector, ir.Undefined), order)


@intrinsic
def splat(typingctx: Any, scalar: Any) -> Any:
    """Put one number in every lane."""
    out = Lanes(scalar)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _splat(builder, context.get_value_type(out), args[0])

    return out(scalar), codegen


def _binary(integer: str, floating: str) -> Callable[..., Any]:
    """Make an operation on two vectors of one type."""

    @intrinsic
    def operation(typingctx: Any, a: Any, b: Any) -> Any:
        if not isinstance(a, Lanes) or a != b:
            return None

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return getattr(builder, floating if a.is_float else integer)(args[0], args[1])

        return a(a, b), codegen

    return operation  # type: ignore[no-any-return]  # numba decorates into what has no type


def _overload(python: Callable[..., Any], operation: Callable[..., Any]) -> None:
    """Let an operator of Python stand for an operation on vectors."""

    @overload(python, strict=False)  # it compares annotations, and a lambda has none
    def typed(a: Any, b: Any) -> Any:
        if isinstance(a, Lanes) and a == b:
            return lambda a, b: operation(a, b)
        return None


_overload(operator.add, _binary("add", "fadd"))
_overload(operator.sub, _binary("sub", "fsub"))
_overload(operator.mul, _binary("mul", "fmul"))
_overload(operator.and_, _binary("and_", "and_"))
_overload(operator.or_, _binary("or_", "or_"))


@intrinsic
def greatest(typingctx: Any, a: Any, b: Any) -> Any:
    """Return the larger of two vectors, lane by lane."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        compare = builder.fcmp_ordered if a.is_float else builder.icmp_signed
        return builder.select(compare(">", args[0], args[1]), args[0], args[1])

    return a(a, b), codegen


@intrinsic
def least(typingctx: Any, a: Any, b: Any) -> Any:
    """Return the smaller of two vectors, lane by lane."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        compare = builder.fcmp_ordered if a.is_float else builder.icmp_signed
        return builder.select(compare("<", args[0], args[1]), args[0], args[1])

    return a(a, b), codegen


@intrinsic
def zero_above(typingctx: Any, value: Any, limit: Any) -> Any:
    """Return the lanes of `value` that are at most those of `limit`, 0 in the others."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        is_below = builder.fcmp_ordered("<=", args[0], args[1])
        return builder.select(is_below, args[0], constant(args[0].type, 0.0))

    return value(value, limit), codegen


@intrinsic
def select_or(typingctx: Any, mask: Any, value: Any, other: Any) -> Any:
    """Return `value` where the lanes of an integer mask are not 0, else `other`."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        zero = ir.Constant(args[0].type, [0] * mask.count)
        return builder.select(builder.icmp_signed("!=", args[0], zero), args[1], args[2])

    return value(mask, value, other), codegen


@intrinsic
def bits_below(typingctx: Any, value: Any, limit: Any) -> Any:
    """Return an integer whose bit l says whether lane l of `value` is at most that of `limit`."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        flags = builder.fcmp_ordered("<=", args[0], args[1])
        return builder.zext(builder.bitcast(flags, ir.IntType(value.count)), ir.IntType(64))

    return types.uint64(value, limit), codegen


@intrinsic
def first_bit(typingctx: Any, bits: Any) -> Any:
    """Return the position of the lowest 1 of an unsigned integer that is not 0."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), codegen


def _fold(builder: Any, vector: Any, combine: Callable[[Any, Any], Any]) -> Any:
    """Combine upper with lower half until one number is left: an order that no machine changes."""
    count = vector.type.count
    while count > 1:
        count //= 2
        numbers = ir.VectorType(ir.IntType(32), count)
        lower = ir.Constant(numbers, list(range(count)))
        upper = ir.Constant(numbers, list(range(count, 2 * count)))
        blank = ir.Constant(vector.type, ir.Undefined)
        vector = combine(
            builder.shuffle_vector(vector, blank, lower), builder.shuffle_vector(vector, blank, upper)
        )
    return builder.extract_element(vector, ir.IntType(32)(0))


@intrinsic
def total(typingctx: Any, value: Any) -> Any:
    """Add up the lanes."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _fold(builder, args[0], builder.fadd if value.is_float else builder.add)

    return value.kind(value), codegen


@intrinsic
def largest(typingctx: Any, value: Any) -> Any:
    """Return the largest lane."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        compare = builder.fcmp_ordered if value.is_float else builder.icmp_signed
        return _fold(builder, args[0], lambda a, b: builder.select(compare(">", a, b), a, b))

    return value.kind(value), codegen


@intrinsic
def widen(typingctx: Any, array: Any, index: Any, shift: Any) -> Any:
    """Read a vector of int16 and return it as int32, shifted left by a literal."""
    if not isinstance(shift, types.IntegerLiteral):
        return None

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        narrow = ir.VectorType(ir.IntType(16), LANES)
        pointer = _pointer(context, builder, signature.args[0], args[0], args[1], narrow)
        whole = builder.sext(builder.load(pointer, align=2), ir.VectorType(ir.IntType(32), LANES))
        return builder.shl(whole, constant(whole.type, shift.literal_value))

    return Lanes(types.int32)(array, types.intp, shift), codegen


def constant(vector: Any, value: float) -> Any:
    """Make a vector of equal constants."""
    return ir.Constant(vector, [value] * vector.count)
