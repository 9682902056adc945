"""The results as a table, a page and JSON."""

import dataclasses
import json
from collections.abc import Mapping, Sequence

from .machine import Machine
from .rows import Row, figure

HEADER = ("what", "against", "measured", "quartiles", "least", "aim", "reached", "ours", "peer")

Found = Mapping[str, tuple[str, Sequence[Row]]]  # name of the section: how it was done, rows
# Title of what was measured on another machine: command, how, the machine in words, rows.
Elsewhere = Mapping[str, tuple[str, str, str, Sequence[Row]]]


def as_table(rows: Sequence[Row]) -> str:
    """Return a Markdown table with aligned columns, and the notes below it."""
    cells = [HEADER, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADER))]
    lines = ["| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in cells]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    notes = dict.fromkeys(row.note for row in rows if row.note)
    return "\n".join([*lines, *(f"\n{note}" for note in notes)])


def as_page(machine: Machine, found: Found, elsewhere: Elsewhere) -> str:
    """Return the page of the manual."""
    parts = [
        "# Speed",
        f"This page was written by `{machine.command}`; do not edit it. `make bench` writes it for "
        "your machine.",
        machine.sentence(),
        "*Measured* is how many times as fast this package is as the peer, unless the row says "
        "otherwise: the median over the repeats. The passes took turns in one run, and each ratio "
        "is of two passes of one round. One thread each unless the row says otherwise. *Ours* and "
        "*peer* are medians of what the ratio was made of, per frame or vector, and mean something "
        "on this machine only. Frames are simulated (`make_sfx_frames`, like LN84) unless the "
        "section says otherwise, and files lie in the page cache. *Reached* says whether the "
        "median gets to what was demanded (*least*) or wanted (*aim*) before it was built.",
    ]
    for name, (how, rows) in found.items():
        parts += [f"## {name.replace('_', ' ').capitalize()}", how.strip(), _repeats(rows)]
        parts.append(as_table(rows))
    for title, (command, how, measured_on, rows) in elsewhere.items():
        parts += [f"## {title}", f"This part was measured by `{command}`.", measured_on]
        parts += [how.strip(), _repeats(rows), as_table(rows)]
    return "\n\n".join(part for part in parts if part) + "\n"


def as_json(machine: Machine, found: Found) -> str:
    sections = {name: [_plain(row) for row in rows] for name, (_, rows) in found.items()}
    results = {
        "command": machine.command,
        "machine": dataclasses.asdict(machine),
        "sections": sections,
    }
    return json.dumps(results, indent=1) + "\n"


def _plain(row: Row) -> dict:
    plain = dataclasses.asdict(row) | {"n_repeats": len(row.values), "reached": row.reached}
    if row.values:
        plain |= {"median": row.median, "quartiles": row.quartiles}
    return plain


def _cells(row: Row) -> tuple[str, ...]:
    spread = "-".join(map(_figure, row.quartiles)) if len(row.values) > 1 else ""
    return (
        row.what,
        row.against,
        _figure(row.median) if row.values else "not measured",
        spread,
        _figure(row.least),
        _figure(row.aim),
        row.reached,
        row.ours,
        row.peer,
    )


def _figure(value: float | None) -> str:
    return "" if value is None else figure(value)


def _repeats(rows: Sequence[Row]) -> str:
    counts = sorted({len(row.values) for row in rows if len(row.values) > 1})
    return f"Repeats: {' and '.join(map(str, counts))}." if counts else ""
