"""Transpose blocks of 8 x 8 pixels in the registers of the processor.

Pixel by pixel, a module that is turned by 90 degrees costs a load and a store for each, as much as
all else that is done with it. Here eight rows of eight are loaded, interleaved three times, and
stored.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

__all__ = ["SIDE", "turn_block"]

SIDE = 8  # pixels of a block


@intrinsic
def turn_block(typing, pixels, first, stride, out, place, step):
    """Copy ``pixels[first + a * stride + b]`` to ``out[place + b * step + a]``, a and b below 8.

    Both are flat and C-contiguous, of the same dtype. Nothing is checked: all has to lie within.
    """
    number = types.int64

    def generate(context, builder, signature, arguments):
        kinds = signature.args
        source = context.make_array(kinds[0])(context, builder, arguments[0]).data
        target = context.make_array(kinds[3])(context, builder, arguments[3]).data
        size = context.get_abi_sizeof(context.get_data_type(kinds[0].dtype))
        vector = ir.VectorType(ir.IntType(8 * size), SIDE).as_pointer()
        order = ir.VectorType(ir.IntType(32), SIDE)

        def places(data, start, stride):
            for _ in range(SIDE):
                yield builder.bitcast(builder.gep(data, [start]), vector)
                start = builder.add(start, stride)

        def interleaved(one, other, start):
            picked = [n + which * SIDE for n in range(start, start + SIDE // 2) for which in (0, 1)]
            return builder.shuffle_vector(one, other, ir.Constant(order, picked))

        rows = [builder.load(at, align=size) for at in places(source, *arguments[1:3])]
        half = SIDE // 2
        for _ in range(3):  # 2 ** 3 is SIDE
            pairs = zip(rows[:half], rows[half:], strict=True)
            rows = [interleaved(*pair, start) for pair in pairs for start in (0, half)]
        for row, at in zip(rows, places(target, *arguments[4:6]), strict=True):
            builder.store(row, at, align=size)
        return context.get_dummy_value()

    return types.void(pixels, number, number, out, number, number), generate
