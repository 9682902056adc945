"""DECTRIS Stream V2 as its specification has it: a sender, and a decoder of its own.

The decoder shares nothing with the package: CBOR, LZ4 and bitshuffle are read here in plain Python,
so that two readings of the same bytes can be compared.
"""

import struct

import cbor2
import h5py
import hdf5plugin
import numpy as np

TYPED = {64: "u1", 69: "<u2", 70: "<u4"}
TAGS = {np.dtype(name).newbyteorder("="): tag for tag, name in TYPED.items()}


# -- Sender ------------------------------------------------------------------------------------


def compressed(pixels, algorithm):
    """Return the bytes of a chunk, as HDF5's own filter writes them."""
    options = hdf5plugin.Bitshuffle(cname="lz4") if algorithm == "bslz4" else hdf5plugin.LZ4()
    with h5py.File("memory", "w", driver="core", backing_store=False) as file:
        chunk = file.create_dataset("x", data=pixels, chunks=pixels.shape, **options)
        file.flush()
        return chunk.id.read_direct_chunk((0,) * pixels.ndim)[1]


def array(pixels, algorithm=None):
    """Return a multi-dimensional array of CBOR."""
    held = pixels.tobytes()
    if algorithm:
        itemsize = pixels.dtype.itemsize if algorithm == "bslz4" else 0
        held = cbor2.CBORTag(56500, [algorithm, itemsize, compressed(pixels, algorithm)])
    return cbor2.CBORTag(40, [list(pixels.shape), cbor2.CBORTag(TAGS[pixels.dtype], held)])


def start(pixels, series=7, unique="", mask=None, channels=("threshold_1",), **other):
    said = {
        "type": "start",
        "beam_center_x": 30.5,
        "beam_center_y": 20.5,
        "channels": list(channels),
        "detector_translation": [0.0, 0.0, 0.125],
        "image_dtype": pixels.dtype.name,
        "image_size_x": pixels.shape[1],
        "image_size_y": pixels.shape[0],
        "incident_energy": 9919.0,
        "incident_wavelength": 1.25,
        "number_of_images": 10,
        "pixel_size_x": 7.5e-5,
        "pixel_size_y": 7.5e-5,
        "saturation_value": 50000,
        "series_id": series,
        "series_unique_id": unique or f"unique {series}",
        "user_data": None,
    }
    if mask is not None:
        said["pixel_mask"] = {name: array(mask.astype(np.uint32), "bslz4") for name in channels}
    return cbor2.dumps(said | other)


def image(data, number, series=7, unique="", algorithm="bslz4", **other):
    """Return a message with one array, or a map of channels to arrays."""
    data = data if isinstance(data, dict) else {"threshold_1": data}
    said = {
        "type": "image",
        "data": {name: array(pixels, algorithm) for name, pixels in data.items()},
        "image_id": number,
        "real_time": [1000, 50000000],
        "series_date": cbor2.loads(cbor2.dumps(cbor2.CBORTag(0, "2026-01-02T03:04:05Z"))),
        "series_id": series,
        "series_unique_id": unique or f"unique {series}",
        "start_time": [number * 1000, 50000000],
        "stop_time": [number * 1000 + 900, 50000000],
        "user_data": None,
    }
    return cbor2.dumps(said | other)


def end(series=7, unique=""):
    unique = unique or f"unique {series}"
    return cbor2.dumps({"type": "end", "series_id": series, "series_unique_id": unique})


# -- Decoder -----------------------------------------------------------------------------------


def item(data, at=0):
    """Return one item of CBOR (RFC 8949) and where it ends; tags as ("tag", number, content)."""
    major, low = data[at] >> 5, data[at] & 31
    at += 1
    n = low
    if 24 <= low < 28:
        size = 1 << (low - 24)
        n = int.from_bytes(take(data, at, size), "big")
        at += size
    elif low in (28, 29, 30):
        raise ValueError("reserved")
    endless = low == 31
    if major in (0, 1):
        if endless:
            raise ValueError("no number")
        return (n if major == 0 else -1 - n), at
    if major in (2, 3):
        held = b""
        if endless:
            while data[at] != 0xFF:
                if data[at] >> 5 != major or data[at] & 31 == 31:
                    raise ValueError("wrong piece")
                piece, at = item(data, at)
                held += piece if major == 2 else piece.encode()
            at += 1
        else:
            held = take(data, at, n)
            at += n
        return (held if major == 2 else held.decode()), at
    if major in (4, 5):
        values = []
        while (data[at] != 0xFF) if endless else len(values) < n * (major - 3):
            value, at = item(data, at)
            values.append(value)
        at += endless
        if major == 5:
            pairs = zip(values[::2], values[1::2], strict=True)
            return {repr(k) if isinstance(k, list | dict) else k: v for k, v in pairs}, at
        return values, at
    if major == 6:
        if endless:
            raise ValueError("no tag")
        value, at = item(data, at)
        return ("tag", n, value), at
    if low == 25:
        return struct.unpack(">e", data[at - 2 : at])[0], at
    if low == 26:
        return struct.unpack(">f", data[at - 4 : at])[0], at
    if low == 27:
        return struct.unpack(">d", data[at - 8 : at])[0], at
    if endless:
        raise ValueError("break")
    return {20: False, 21: True, 22: None}.get(n, ("simple", n)), at


def take(data, at, n):
    if at + n > len(data):
        raise ValueError("ends early")
    return data[at : at + n]


def lz4_block(data, n):
    """Decode one block of LZ4 that holds n bytes."""
    out, at = bytearray(), 0
    while True:
        token = data[at]
        at += 1
        length = token >> 4
        if length == 15:
            more = 255
            while more == 255:
                more = data[at]
                at += 1
                length += more
        out += take(data, at, length)
        at += length
        if at == len(data):
            break
        back = data[at] | data[at + 1] << 8
        at += 2
        length = token & 15
        if length == 15:
            more = 255
            while more == 255:
                more = data[at]
                at += 1
                length += more
        if not 0 < back <= len(out):
            raise ValueError("match before the beginning")
        for _ in range(length + 4):
            out.append(out[-back])
        if len(out) > n:
            raise ValueError("too long")
    if len(out) != n:
        raise ValueError("too short")
    return bytes(out)


def unshuffled(block, itemsize):
    """Put the bits of the numbers of one block of bitshuffle together."""
    n = len(block) // itemsize
    bits = np.unpackbits(np.frombuffer(block, np.uint8), bitorder="little")
    of_number = bits.reshape(itemsize * 8, n).T
    return np.packbits(of_number, axis=1, bitorder="little").tobytes()


def decompressed(algorithm, itemsize, data):
    total, block = struct.unpack(">QI", take(data, 0, 12))
    if total > 2**24 or not block:
        raise ValueError("too large")
    at, out = 12, b""
    if algorithm == "bslz4":
        if itemsize not in (1, 2, 4, 8) or block % (8 * itemsize) or total % itemsize:
            raise ValueError("no such numbers")
        whole = total - total % (8 * itemsize)
    elif algorithm == "lz4":
        whole = total
    else:
        raise ValueError("no such algorithm")
    while len(out) < whole:
        n = min(block, whole - len(out))
        (length,) = struct.unpack(">I", take(data, at, 4))
        piece = take(data, at + 4, length)
        at += 4 + length
        if algorithm == "lz4":
            out += piece if length == n else lz4_block(piece, n)
        else:
            out += unshuffled(lz4_block(piece, n), itemsize)
    return out + take(data, at, total - whole)


def pixels_of(content):
    """Return the pixels of a multi-dimensional array."""
    _, number, (shape, typed) = content
    _, type_number, held = typed
    if number != 40 or len(shape) != 2:
        raise ValueError("no array")
    if not isinstance(held, bytes):
        _, number, (algorithm, itemsize, data) = held
        if number != 56500:
            raise ValueError("no bytes")
        held = decompressed(algorithm, itemsize, data)
    return np.frombuffer(held, TYPED[type_number]).reshape(shape)
