# ruff: noqa: ARG001  (numba passes more than some operations look at)
"""Powers of two of vectors: a shift for the whole part, a polynomial for the fraction."""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]  # llvmlite ships no types
from numba.core import types

from thighdx.inference.lanes import WIDE, Lanes, constant, intrinsic

__all__ = ["FRACTION_BITS", "exp2_fixed", "exp2_wide"]

# 2**x on [-0.5, 0.5] by interpolation at Chebyshev nodes: relative error below 2e-9 (times sqrt(2), for a
# fraction counted from 0) and below 1e-17; both are far below the rounding of the sums.
SINGLE = (
    1.4142135381698608,
    0.9802581667900085,
    0.3397315740585327,
    0.07849348336458206,
    0.01360198576003313,
    0.001895106746815145,
    0.00021865784947294742,
)
DOUBLE = (
    1.0,
    0.6931471805599453,
    0.24022650695910072,
    0.0555041086648217,
    0.009618129107628484,
    0.0013333558146390353,
    0.00015403530393362755,
    1.5252733856293466e-05,
    1.3215486815999978e-06,
    1.0178051192960649e-07,
    7.054894386348348e-09,
    4.456675341049206e-10,
    2.5733568308756892e-11,
)
FRACTION_BITS = 22
"""Fixed-point logarithms count units of 2**-22 of a bit (base 2)."""


def _horner(builder: Any, x: Any, coefficients: tuple[float, ...]) -> Any:
    """Evaluate a polynomial, lowest coefficient first."""
    value = constant(x.type, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        value = builder.fadd(builder.fmul(value, x), constant(x.type, coefficient))
    return value


@intrinsic
def exp2_fixed(typingctx: Any, x: Any) -> Any:
    """Return 2**x as float32 for fixed-point int32 lanes of at most 127; 0 below -126."""
    out = Lanes(types.float32)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        whole_type, real_type = args[0].type, context.get_value_type(out)
        half = 1 << (FRACTION_BITS - 1)
        fraction = builder.and_(args[0], constant(whole_type, 2 * half - 1))
        centered = builder.sitofp(builder.sub(fraction, constant(whole_type, half)), real_type)
        mantissa = _horner(builder, builder.fmul(centered, constant(real_type, 0.5 / half)), SINGLE)
        exponent = builder.shl(
            builder.ashr(args[0], constant(whole_type, FRACTION_BITS)), constant(whole_type, 23)
        )
        value = builder.bitcast(builder.add(builder.bitcast(mantissa, whole_type), exponent), real_type)
        is_tiny = builder.icmp_signed("<", args[0], constant(whole_type, -126 << FRACTION_BITS))
        return builder.select(is_tiny, constant(real_type, 0.0), value)

    return out(x), codegen


@intrinsic
def exp2_wide(typingctx: Any, x: Any) -> Any:
    """Return 2**x for float64 lanes of at most 1000; 0 below -1020 and for -inf."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        real_type, whole_type = args[0].type, ir.VectorType(ir.IntType(64), WIDE)
        is_tiny = builder.fcmp_unordered("<", args[0], constant(real_type, -1020.0))
        safe = builder.select(is_tiny, constant(real_type, 0.0), args[0])
        # adding 1.5 * 2**52 rounds to a whole number and leaves it in the low bits
        magic = builder.fadd(safe, constant(real_type, 1.5 * 2.0**52))
        fraction = builder.fsub(safe, builder.fsub(magic, constant(real_type, 1.5 * 2.0**52)))
        mantissa = builder.bitcast(_horner(builder, fraction, DOUBLE), whole_type)
        exponent = builder.shl(builder.bitcast(magic, whole_type), constant(whole_type, 52))
        value = builder.bitcast(builder.add(mantissa, exponent), real_type)
        return builder.select(is_tiny, constant(real_type, 0.0), value)

    return x(x), codegen
