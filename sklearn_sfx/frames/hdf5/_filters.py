"""The filters that a dataset is written with, and what their chunks say of themselves.

A chunk says how large it will be once it is decoded, and some filters believe it, whatever it says:
a damaged one makes them ask for gigabytes, or crash. So the word of a chunk is compared with the
size that the dataset gives it before such a filter sees it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

import h5py

from sklearn_sfx.exceptions import InputError

__all__ = ["BITSHUFFLE", "DEFLATE", "FLETCHER32", "SHUFFLE", "Filter", "check_header"]
__all__ += ["filters_of", "in_words", "refuse_missing"]

DEFLATE, SHUFFLE, FLETCHER32 = 1, 2, 3  # registered numbers of HDF5 filters
BLOSC, LZ4, ZSTD, BLOSC2, BITSHUFFLE = 32001, 32004, 32015, 32026, 32008

_NAMES = {
    **{DEFLATE: "gzip", 4: "SZIP", 5: "n-bit", 6: "scale-offset", 307: "bzip2", 32000: "LZF"},
    **{BLOSC: "Blosc", LZ4: "LZ4", 32013: "ZFP", ZSTD: "zstd", BLOSC2: "Blosc2"},
}
_CODECS = {0: "bitshuffle", 2: "bitshuffle-LZ4", 3: "bitshuffle-zstd"}
_CHECKSUMS_AND_ORDERS = (SHUFFLE, FLETCHER32)  # which do not compress

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


class Filter(NamedTuple):
    """One filter of a dataset: its registered number, its values, and whether it can be used."""

    code: int
    values: tuple[int, ...]
    name: str


def filters_of(dataset: h5py.Dataset) -> tuple[Filter, ...]:
    """Return the filters of a dataset in the order in which they were applied."""
    created = dataset.id.get_create_plist()
    found = []
    for number in range(created.get_nfilters()):
        code, _, values, name = created.get_filter(number)
        found.append(Filter(code, tuple(values), name.decode("utf-8", "replace").split(";")[0]))
    return tuple(found)


def in_words(filters: tuple[Filter, ...]) -> str:
    """Return how data are compressed as a person would say it, "" where they are not."""
    words = []
    for code, values, name in filters:
        if code == BITSHUFFLE:
            words.append(_CODECS.get(values[4] if len(values) > 4 else 0, "bitshuffle"))
        elif code not in _CHECKSUMS_AND_ORDERS:
            words.append(_NAMES.get(code, name or f"filter {code}"))
    return " and ".join(words)


def refuse_missing(path: str, name: str, filters: tuple[Filter, ...]) -> None:
    """Say which filter of a dataset is not installed, if one is not."""
    for found in filters:
        if not h5py.h5z.filter_avail(found.code):
            raise InputError(
                f"Dataset {name} of {path} is compressed with a filter that is not installed: "
                f"{found.name or 'one without a name'}, number {found.code}."
            )


def check_header(filters: tuple[Filter, ...], coded: bytes, size: int, n_bytes: int) -> None:
    """Raise OSError if a chunk that is left to HDF5 claims another size than it has to have.

    Parameters
    ----------
    filters : tuple of Filter
        Those that were applied to the chunk.
    coded : bytes
        The first bytes of the chunk as it is stored, 32 or more where it has so many.
    size, n_bytes : int
        How many bytes it has as it is stored, and decoded.
    """
    codes = [found.code for found in filters]
    compressing = [code for code in codes if code not in _CHECKSUMS_AND_ORDERS]
    if not compressing:
        if size != n_bytes + 4 * codes.count(FLETCHER32):
            raise OSError("its chunk has another size than its pixels")
        return
    claim = _CLAIMS.get(compressing[-1]) if len(compressing) == 1 else None
    if claim is None:
        return
    try:
        claimed = claim(coded)
    except (struct.error, IndexError) as error:
        raise OSError("its chunk is too short") from error
    # A checksum of four bytes may have been put before the compression.
    if claimed not in (n_bytes, n_bytes + 4):
        raise OSError("the size that its chunk claims is wrong")


def _claim_of_lz4(coded: bytes) -> int:
    claimed, block = struct.unpack_from(">QI", coded)
    return claimed if 0 < block <= 2**31 else -1


def _claim_of_zstd(coded: bytes) -> int:
    """Return the content size in the frame header (RFC 8878), on which the filter relies."""
    if coded[:4] != ZSTD_MAGIC:
        return -1
    described = coded[4]
    start = 5 + (0 if described & 0x20 else 1) + (0, 1, 2, 4)[described & 3]
    width = (1 if described & 0x20 else 0, 2, 4, 8)[described >> 6]
    if len(coded) < start + width or not width:
        return -1
    return int.from_bytes(coded[start : start + width], "little") + (256 if width == 2 else 0)


def _claim_of_blosc(coded: bytes) -> int:
    (claimed,) = struct.unpack_from("<i", coded, 4)
    return claimed


_CLAIMS: dict[int, Callable[[bytes], int]] = {
    LZ4: _claim_of_lz4,
    ZSTD: _claim_of_zstd,
    BLOSC: _claim_of_blosc,
}
