"""Which numbers came already, in little memory however many there are."""

from __future__ import annotations

__all__ = ["SeenNumbers"]

BLOCK = 2**16  # numbers whose bits lie together
MOST_BLOCKS = 1024  # 8 MiB; of more the oldest are forgotten


class SeenNumbers:
    """A set of numbers that mostly follow each other.

    Examples
    --------
    >>> from sklearn_sfx.streams.network._seen import SeenNumbers
    >>> seen = SeenNumbers()
    >>> [seen.add(number) for number in (0, 1, 5, 1, 4)]
    ['', '', '', 'repeated', 'late']
    >>> len(seen), seen.highest
    (4, 5)
    """

    def __init__(self) -> None:
        self._blocks: dict[int, bytearray] = {}
        self._n = 0
        self.highest = -1

    def __len__(self) -> int:
        """How many different numbers came."""
        return self._n

    def add(self, number: int) -> str:
        """Note a number that is not negative, and return what it is.

        Returns
        -------
        {"", "repeated", "late"}
            Late is one that comes for the first time behind a larger one.
        """
        key, inside = divmod(number, BLOCK)
        block = self._blocks.get(key)
        if block is None:
            if len(self._blocks) == MOST_BLOCKS:
                del self._blocks[next(iter(self._blocks))]
            block = self._blocks[key] = bytearray(BLOCK // 8)
        byte, bit = inside >> 3, 1 << (inside & 7)
        if block[byte] & bit:
            return "repeated"
        block[byte] |= bit
        self._n += 1
        is_late = number < self.highest
        self.highest = max(self.highest, number)
        return "late" if is_late else ""
