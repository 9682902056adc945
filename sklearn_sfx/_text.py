"""Text that comes from files and names of files, made safe for a terminal, a table and a message.

Such text may hold anything: ends of lines, which would forge another line; codes that steer a
terminal; halves of characters, where a name is not UTF-8; or a megabyte of it.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["counted", "in_percent", "listed", "one_line", "plain", "shortened"]

# Controls, ends of lines and of paragraphs, what turns the direction of writing, and what stands
# for bytes that are no UTF-8.
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def counted(number: int, one: str, more: str = "") -> str:
    """Return how many there are of something, in words that fit the number.

    Examples
    --------
    >>> from sklearn_sfx._text import counted
    >>> counted(1, "label"), counted(2, "label"), counted(0, "miss", "misses")
    ('1 label', '2 labels', '0 misses')
    """
    return f"{number} {one if number == 1 else more or one + 's'}"


def in_percent(share: float, low: float, high: float) -> str:
    """Return a share and the ends of its interval, all from 0 to 1, in per cent.

    Examples
    --------
    >>> from sklearn_sfx._text import in_percent
    >>> in_percent(0.051, 0.041, 0.07)
    '5.1 % (4.1 to 7.0 %)'
    """
    return f"{100 * share:.1f} % ({100 * low:.1f} to {100 * high:.1f} %)"


def listed(values: Sequence[object], most: int = 6) -> str:
    """Return the first few values as text, and how many more there are.

    Examples
    --------
    >>> from sklearn_sfx._text import listed
    >>> listed([2, 5]), listed(range(1, 9), 3)
    ('2, 5', '1, 2, 3, and 5 more')
    """
    shown = [str(value) for value in values[:most]]
    if len(values) > most:
        shown.append(f"and {len(values) - most} more")
    return ", ".join(shown)


def one_line(text: str) -> str:
    r"""Return text in which what is no character to be read is written as Python writes it.

    Examples
    --------
    >>> from sklearn_sfx._text import one_line
    >>> print(one_line("a\nb\x1b[31m \udce9 é"))
    a\nb\x1b[31m \udce9 é
    """
    return UNSAFE.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def plain(value: Any) -> Any:
    """Return what JSON can hold: dicts, lists, text and numbers, None for one that is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx._text import plain
    >>> plain({"shape": (2, 3), "mean": np.float32(0.5), "rate": float("nan")})
    {'shape': [2, 3], 'mean': 0.5, 'rate': None}
    """
    if isinstance(value, Mapping):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if hasattr(value, "tolist"):  # numbers of numpy
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, str | int | None) else str(value)


def shortened(text: str, length: int) -> str:
    """Return text of this length at the most; of a longer one its beginning and its end.

    Examples
    --------
    >>> from sklearn_sfx._text import shortened
    >>> shortened("a" * 50 + "b" * 50, 11)
    'aaaaaa…bbbb'
    """
    if len(text) <= length:
        return text
    end = (length - 1) // 2 - 1
    return f"{text[: length - 1 - end]}…{text[len(text) - end :]}"
