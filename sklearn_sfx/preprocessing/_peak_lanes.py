"""What the peak finder does with many pixels at once that no loop is compiled to.

Each is one short piece of vector code, and no check guards the places that it is given.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

__all__ = ["AT_ONCE", "LANES", "bits_above", "bits_above_plane", "copy_eight", "lowest_bit"]

AT_ONCE = 8  # pixels that are copied together
LANES = 32  # pixels that are compared together: a bit for each makes one number


@intrinsic
def copy_eight(typing_context, source, i, j, target, k, origin):
    """Write ``source[i, j : j + 8] - origin`` to ``target[k : k + 8]``."""

    def generate(context, builder, signature, arguments):
        source, i, j, target, k, origin = arguments
        source = context.make_array(signature.args[0])(context, builder, source)
        target = context.make_array(signature.args[3])(context, builder, target)
        read = _load(builder, source.data, _place(builder, source, i, j), AT_ONCE)
        less = builder.fsub(read, _in_all(builder, origin, AT_ONCE))
        written = builder.gep(target.data, [k])
        builder.store(less, builder.bitcast(written, less.type.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(source, types.intp, types.intp, target, types.intp, types.float32), generate


@intrinsic
def bits_above(typing_context, source, i, j, limit):
    """Return a bit for each of ``source[i, j : j + 32]``: whether it is above. NaN is not."""

    def generate(context, builder, signature, arguments):
        source, i, j, limit = arguments
        source = context.make_array(signature.args[0])(context, builder, source)
        read = _load(builder, source.data, _place(builder, source, i, j), LANES)
        return _bits(builder, read, limit)

    return types.uint32(source, types.intp, types.intp, types.float32), generate


@intrinsic
def bits_above_plane(typing_context, values, down, right, k, level, slope_i, slope_j, limit):
    """Return a bit for each of 32 pixels from k on: whether it is above a plane by the limit."""

    def generate(context, builder, signature, arguments):
        *arrays, k, level, slope_i, slope_j, limit = arguments
        rest, i, j = (
            _load(builder, context.make_array(kind)(context, builder, array).data, k, LANES)
            for array, kind in zip(arrays, signature.args[:3], strict=True)
        )
        rest = builder.fsub(rest, _in_all(builder, level, LANES), flags=["contract"])
        for step, slope in ((i, slope_i), (j, slope_j)):
            off = builder.fmul(step, _in_all(builder, slope, LANES), flags=["contract"])
            rest = builder.fsub(rest, off, flags=["contract"])
        return _bits(builder, rest, limit)

    return types.uint32(values, down, right, types.intp, *(types.float32,) * 4), generate


@intrinsic
def lowest_bit(typing_context, bits):
    """Return the place of the lowest bit that is set; some is."""

    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint32(types.uint32), generate


def _place(builder: Any, array: Any, i: Any, j: Any) -> Any:
    """Return how far into the memory of an array (height, width) a pixel lies."""
    return builder.add(builder.mul(i, builder.extract_value(array.shape, 1)), j)


def _load(builder: Any, data: Any, place: Any, n: int) -> Any:
    """Return the next n float32 from a place on."""
    lanes = ir.VectorType(ir.FloatType(), n)
    address = builder.bitcast(builder.gep(data, [place]), lanes.as_pointer())
    return builder.load(address, align=4)


def _in_all(builder: Any, number: Any, n: int) -> Any:
    """Return n times the same number."""
    nothing = ir.Constant(ir.VectorType(ir.FloatType(), n), ir.Undefined)
    one = builder.insert_element(nothing, number, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(
        one, nothing, ir.Constant(ir.VectorType(ir.IntType(32), n), [0] * n)
    )


def _bits(builder: Any, values: Any, limit: Any) -> Any:
    above = builder.fcmp_ordered(">", values, _in_all(builder, limit, LANES))
    return builder.bitcast(above, ir.IntType(LANES))
