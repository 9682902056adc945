"""Files damaged at random, the same for the same seed."""

import re

import numpy as np

__all__ = ["mutants"]

HEADER = 4096  # bytes in which most of what a file says of itself stands


def mutants(data, n_mutants, seed=0):
    """Yield what was done, and the bytes that it gave."""
    rng = np.random.default_rng(seed)
    for number in range(n_mutants):
        damage = DAMAGES[number % len(DAMAGES)]
        changed = bytearray(data)
        done = damage(changed, rng)
        yield f"{number}: {done}", bytes(changed)


def _place(data, rng):
    """Return a position, every second time near the start."""
    end = len(data) if rng.random() < 0.5 else min(len(data), HEADER)
    return int(rng.integers(end))


def flip_bit(data, rng):
    place = _place(data, rng)
    data[place] ^= 1 << int(rng.integers(8))
    return f"a bit at {place}"


def set_bytes(data, rng):
    place, length = _place(data, rng), int(rng.integers(1, 9))
    value = int(rng.choice([0, 1, 0x7F, 0x80, 0xFF]))
    data[place : place + length] = bytes([value]) * len(data[place : place + length])
    return f"{length} bytes of {value} at {place}"


def cut_off(data, rng):
    place = _place(data, rng) if rng.random() < 0.5 else len(data) - int(rng.integers(1, 9))
    del data[max(1, place) :]
    return f"cut off at {place}"


def take_out(data, rng):
    place, length = _place(data, rng), int(rng.integers(1, 600))
    del data[place : place + length]
    return f"{length} bytes out at {place}"


def put_in(data, rng):
    place, length = _place(data, rng), int(rng.integers(1, 600))
    data[place:place] = rng.bytes(length)
    return f"{length} bytes in at {place}"


def change_number(data, rng):
    """Change a number that is written in digits in the header."""
    found = list(re.finditer(rb"\d+", bytes(data[:HEADER])))
    if not found:
        return flip_bit(data, rng)
    number = found[int(rng.integers(len(found)))]
    value = [b"0", b"-1", b"1", b"99999999999", number[0] + b"0", b"x", b"2147483648"]
    new = value[int(rng.integers(len(value)))]
    data[number.start() : number.end()] = new
    return f"{number[0]!r} becomes {new!r} at {number.start()}"


def lay_zeros(data, rng):
    place, length = _place(data, rng), int(rng.integers(64, 4096))
    data[place : place + length] = bytes(len(data[place : place + length]))
    return f"{length} zeros at {place}"


DAMAGES = (flip_bit, set_bytes, change_number, cut_off, take_out, put_in, flip_bit, lay_zeros)
