"""The report: CSV tables, a page in Markdown, and one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import csv
import html
from pathlib import Path

from sklearn_sfx._files import replacing
from sklearn_sfx._version import __version__
from sklearn_sfx.reproduction._figures import Picture
from sklearn_sfx.reproduction._outcomes import Report, Table

__all__ = ["write_report"]

STYLE = """\
body { font: 15px/1.5 system-ui, sans-serif; max-width: 75em; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; font-size: 13px; margin: 0.5em 0; }
th, td { border-bottom: 1px solid #ccc; padding: 0.2em 0.7em; text-align: left; }
th { border-bottom: 2px solid #444; } td { font-variant-numeric: tabular-nums; }
figure { margin: 1.5em 0; } img { max-width: 100%; }
.notice { background: #fef3c7; border-left: 4px solid #d97706; padding: 0.6em 1em; }
"""


def write_report(
    report: Report, tables: list[Table], pictures: list[Picture], output: Path, made: str
) -> Path:
    """Write tables and pages into a folder, and return the path of the HTML page."""
    for table in tables:
        _write_csv(output / "tables" / f"{table.name}.csv", table)
    notes = _notes(report, made)
    with replacing(output / "report.md") as temporary:
        temporary.write_text(_markdown(notes, tables, pictures), encoding="utf-8")
    path = output / "report.html"
    with replacing(path) as temporary:
        temporary.write_text(_page(notes, tables, pictures), encoding="utf-8")
    return path


def _notes(report: Report, made: str) -> list[str]:
    """Return what is to be known before the first table."""
    hours = sum(outcome["seconds"] for outcome in report.outcomes.values()) / 3600
    notes = [f"Frames: {report.kind}."]
    if report.study.simulated:
        notes[0] += (
            " No real frame takes part, so no figure here says how the method does on real runs; "
            "labels follow the spots on the part that is simulated."
        )
    if report.study.scale.said:
        notes.append(f"{report.study.scale.said}.")
    notes.append(
        f"Made with sklearn_sfx {__version__} by {made} The times of all cells, some of which ran "
        f"side by side, add up to {hours:.2f} hours."
    )
    notes.append(
        "Of the paper's own figures only those are shown beside that its text gives: its tables "
        "are pictures."
    )
    return notes


def _write_csv(path: Path, table: Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = list(dict.fromkeys(name for record in table.records for name in record))
    with (
        replacing(path) as temporary,
        open(temporary, "w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(table.records)


def _markdown(notes: list[str], tables: list[Table], pictures: list[Picture]) -> str:
    parts = ["# The paper, reproduced", *notes]
    for table in tables:
        rows = [table.columns, ["---"] * len(table.columns), *table.rows]
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        parts += [f"## {table.title}", table.caption, "\n".join(lines)]
    for picture in pictures:
        link = f"{picture.png.parent.name}/{picture.png.name}"
        parts.append(f"![{picture.name}]({link})\n\n*{picture.caption}*")
    return "\n\n".join(parts) + "\n"


def _page(notes: list[str], tables: list[Table], pictures: list[Picture]) -> str:
    notice = "".join(f"<p>{html.escape(note)}</p>" for note in notes)
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        f"<title>The paper, reproduced</title><style>{STYLE}</style></head><body>",
        f'<h1>The paper, reproduced</h1><div class="notice">{notice}</div>',
        "<p>Xie et al., Optics Express 31(20), 32909 (2023), by "
        "Ke et al., J. Synchrotron Rad. 25, 655 (2018).</p>",
        *map(_html_table, tables),
        *map(_html_picture, pictures),
        "</body></html>\n",
    ]
    return "\n".join(parts)


def _html_table(table: Table) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in table.columns)
    rows = "".join(
        "<tr>" + "".join(f"<td>{html.escape(value)}</td>" for value in row) + "</tr>"
        for row in table.rows
    )
    return (
        f'<section id="{table.name}"><h2>{html.escape(table.title)}</h2>'
        f'<p class="caption">{html.escape(table.caption)}</p>'
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></section>"
    )


def _html_picture(picture: Picture) -> str:
    data = base64.b64encode(picture.png.read_bytes()).decode("ascii")
    caption = html.escape(picture.caption)
    return (
        f'<figure id="{picture.name}"><img alt="{caption}" src="data:image/png;base64,{data}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )
