"""Files damaged at random, the same for the same seed."""

import re
from pathlib import Path

import numpy as np

__all__ = ["DAMAGES", "damage", "damage_folder"]

HEADER = 4096  # bytes in which most of what a file says of itself stands
HOW_MANY = (1, 1, 2, 4)  # damages of one file
REMOVED = 0.03  # of the runs of several files, those of which one is removed


def damage_folder(folder, rng):
    """Damage one of the files in a folder, and return what was done.

    Parameters
    ----------
    folder : Path
        Of the files of one run.
    rng : numpy.random.Generator
        What is random comes from it.
    """
    files = sorted(Path(folder).iterdir())
    sizes = np.array([file.stat().st_size for file in files], float)
    path = files[rng.choice(len(files), p=sizes / sizes.sum())]
    if len(files) > 1 and rng.random() < REMOVED:
        path.unlink()
        return f"{path.name} removed"
    data = bytearray(path.read_bytes())
    done = damage(data, rng)
    path.write_bytes(data)
    return f"{path.name}: {done}"


def damage(data, rng):
    """Damage the bytes of a file in one way or several, and return what was done."""
    done = []
    for _ in range(int(rng.choice(HOW_MANY))):
        if data:
            done.append(DAMAGES[int(rng.integers(len(DAMAGES)))](data, rng))
    return ", ".join(done)


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


def overwrite(data, rng):
    place, length = _place(data, rng), int(rng.integers(1, 33))
    data[place : place + length] = rng.bytes(len(data[place : place + length]))
    return f"{length} bytes of any value at {place}"


def set_number(data, rng):
    """Put a number there that is large, or larger than there are bytes, or nought."""
    numbers = [0, 1, 2**16, 2**31, 2**32 - 1, 2**40, 2**63, 2**64 - 1, len(data), 3 * len(data)]
    width, place = int(rng.choice([2, 4, 8])), _place(data, rng)
    value = numbers[int(rng.integers(len(numbers)))] % 2 ** (8 * width)
    data[place : place + width] = value.to_bytes(width, "little")
    return f"the number {value} of {width} bytes at {place}"


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


def repeat(data, rng):
    """Put other bytes of the file there."""
    place, other, length = _place(data, rng), _place(data, rng), int(rng.integers(1, 65))
    data[place : place + length] = data[other : other + length]
    return f"{length} bytes from {other} at {place}"


def lay_zeros(data, rng):
    """Put zeros in the place of a block, as a disk does that has lost it."""
    place, length = _place(data, rng), int(rng.choice([16, 128, 512, 4096]))
    data[place : place + length] = bytes(len(data[place : place + length]))
    return f"{length} zeros at {place}"


SMALL = (flip_bit, set_bytes, overwrite, set_number, change_number)  # so that much stays readable
DAMAGES = (*SMALL, *SMALL, cut_off, take_out, put_in, repeat, lay_zeros)
