"""Floats as the integers of the same bits, for compiled loops.

Floats of one sign are ordered as their bits, and a maximum of integers runs in vector lanes, where
one of floats, which may be NaN, does not.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

__all__ = ["bits_of", "value_of"]


@intrinsic
def bits_of(typing_context, value):
    """Return the bits of a float32 as an int32."""

    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.IntType(32))

    return types.int32(types.float32), generate


@intrinsic
def value_of(typing_context, bits):
    """Return the float32 that an int32 holds the bits of."""

    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate
