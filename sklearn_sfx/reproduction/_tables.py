"""The tables of recall and precision, from the outcomes of the cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sklearn_sfx.reproduction._cells import PAIRS, SINGLES
from sklearn_sfx.reproduction._comparison import comparison, speeds
from sklearn_sfx.reproduction._metrics import FEW_HITS, METRICS, summarized
from sklearn_sfx.reproduction._outcomes import (
    ADVERSARIAL,
    PAPER_CNN2D,
    PAPER_DANN,
    Report,
    Table,
    numbers,
)
from sklearn_sfx.reproduction._runs import DIALS_SPOTS, NAMES
from sklearn_sfx.reproduction._splits import shares

__all__ = ["make_table"]

ENOUGH_LABELS, FEW_LABELS = "1200 / 400 / 400", "200 / 200 / 1600"


@dataclass(frozen=True)
class Line:
    """A method on some test frames: one set of counts for each seed."""

    method: str
    trained_on: str
    tested_on: str
    labels: float
    counts: list[dict[str, int]]
    dials: list[dict[str, int]] | None
    paper_recall: float | None = None


def make_table(report: Report, part: str) -> Table:
    """Return one table of the report: "1" to "7", or "throughput"."""
    return MAKERS[part](report)


# -- The tables of recall and precision ----------------------------------------------------------


def _table_1(report: Report) -> Table:
    lines = []
    for where in SINGLES:
        for name in (*where, *(other for other in NAMES if other not in where)):
            lines += _lines(report, "CNN2D", "enough", where, name, PAPER_CNN2D)
    what = (
        "CNN2D with enough labels, tested on its own run and, as it is, on all frames of the "
        f"other two. {_split_said(report, 'enough', SINGLES, few=False)}"
    )
    return _table(report, "1", "CNN2D with enough labels", what, lines)


def _table_2(report: Report) -> Table:
    lines = [line for w in SINGLES for line in _lines(report, "CNN2D", "few", w, w[0])]
    what = f"CNN2D with few labels. {_split_said(report, 'few', SINGLES, few=True)}"
    return _table(report, "2", "CNN2D with few labels", what, lines)


def _table_3(report: Report) -> Table:
    lines = [line for w in PAIRS for line in _lines(report, "FineTuned", "fine_tuned", w, w[1])]
    what = (
        "FineTuned: the base of the source's CNN2D (table 1) tuned with few labels of the target. "
        + _split_said(report, "fine_tuned", PAIRS, few=True)
    )
    return _table(report, "3", "Transfer learning", what, lines)


def _table_4(report: Report) -> Table:
    lines = [line for w in SINGLES for line in _lines(report, "RWD + CNN1D", "vectors", w, w[0])]
    what = "Row-wise decomposition and CNN1D with few labels. " + _split_said(
        report, "vectors", SINGLES, few=True
    )
    return _table(report, "4", "RWD and CNN1D with few labels", what, lines)


def _table_5(report: Report) -> Table:
    lines = []
    for source, target in PAIRS:
        of_dann = _lines(report, "DANN", "dann", (source, target), target)
        reversal = _lines(report, ADVERSARIAL, "reversal", (source, target), target, PAPER_DANN)
        control = _lines(report, "CNN2D of the source", "enough", (source,), target, PAPER_CNN2D)
        lines += [of_dann[0], reversal[0], control[0], of_dann[1]]
    what = (
        "DANN with all labels of the source and none of the target, tested on all frames of the "
        "target; beside it the CNN2D of table 1, trained on the source alone. With strength 1 the "
        "gradient is reversed as strongly as in the paper, max_lambda=1; by default, on frames, "
        "DANN does not reverse it. The peak count learned from all labels of the source."
    )
    return _table(report, "5", "DANN", what, lines)


def _table_7(report: Report) -> Table:
    lines = []
    for source, target in PAIRS:
        of_frames = _lines(report, "CNN2D", "enough", (source,), target, PAPER_CNN2D)
        of_vectors = _lines(report, "RWD + CNN1D", "vectors", (source,), target)
        lines += [of_vectors[0], of_frames[0], of_vectors[1]]
    what = (
        "Without any tuning: RWD + CNN1D with few labels of the source (table 4) and CNN2D with "
        "enough of them (table 1), tested on all frames of the target. The peak count learned "
        "from the few labels."
    )
    return _table(report, "7", "Across runs: RWD + CNN1D against CNN2D", what, lines)


def _lines(
    report: Report,
    method: str,
    experiment: str,
    where: tuple[str, ...],
    tested_on: str,
    paper: dict[tuple[str, str], float] | None = None,
) -> list[Line]:
    """Return the method, and the peak count that learned from the same labels."""
    outcomes = report.seeds(experiment, where)
    tests = [outcome["tests"][tested_on] for outcome in outcomes]
    labels = float(np.mean([outcome["labels"] for outcome in outcomes]))
    dials = None if tests[0]["dials"] is None else [test["dials"] for test in tests]
    of_paper = (paper or {}).get((where[0], tested_on))
    trained_on = f"{where[0]}, then {where[1]}" if experiment == "fine_tuned" else where[0]
    learned_on = where[1] if experiment == "fine_tuned" else where[0]
    counts = [test["model"] for test in tests]
    peaks = [test["peaks"] for test in tests]
    return [
        Line(method, trained_on, tested_on, labels, counts, dials, of_paper),
        Line("peak count", learned_on, tested_on, labels, peaks, dials),
    ]


def _table(report: Report, part: str, title: str, what: str, lines: list[Line]) -> Table:
    with_dials = any(line.dials is not None for line in lines)
    if "peak count" not in what.lower():
        what += " The peak count learned from the same labels how many peaks of a crop make a hit."
    columns = ["method", "labels of", "labels", "tested on", "frames", *METRICS, FEW_HITS]
    if with_dials:
        columns += [f"DIALS: {metric}" for metric in METRICS]
        what += f" DIALS as Ke et al. ran it: a frame is kept with at least {_dials_said()} spots."
    columns.append("the paper's recall")
    rows, records = [], []
    for line in lines:
        found = summarized(line.counts)
        n_frames = float(np.mean([sum(counts.values()) for counts in line.counts]))
        row = [line.method, line.trained_on, f"{line.labels:.0f}", line.tested_on]
        row += [f"{n_frames:.0f}", *(str(found[name]) for name in (*METRICS, FEW_HITS))]
        record = {
            "method": line.method,
            "labels of": line.trained_on,
            "labels": line.labels,
            "tested on": line.tested_on,
            "frames": n_frames,
            "seeds": len(line.counts),
            **numbers("", found),
            **{name: sum(counts[name] for counts in line.counts) for name in line.counts[0]},
        }
        per_seed = [summarized([counts])["recall"].value for counts in line.counts]
        record |= {"lowest recall": min(per_seed), "highest recall": max(per_seed)}
        if with_dials:
            theirs = summarized(line.dials) if line.dials else None
            row += [f"{theirs[metric].value:.3f}" if theirs else "-" for metric in METRICS]
            record |= numbers("DIALS ", theirs) if theirs else {}
        row.append("-" if line.paper_recall is None else f"{line.paper_recall:.4f}")
        record["paper recall"] = line.paper_recall
        record["frames are"] = report.mark
        rows.append(row)
        records.append(record)
    what += f" The {FEW_HITS} is that of a run with so few, by the shares of hits and misses kept."
    caption = f"Table {part}. {what} {report.conditions()}"
    return Table(f"table_{part}", f"Table {part}: {title}", caption, columns, rows, records)


def _dials_said() -> str:
    parts = [f"{spots} ({name})" for name, spots in DIALS_SPOTS.items()]
    return f"{', '.join(parts[:-1])} or {parts[-1]}"


def _split_said(report: Report, experiment: str, wheres: list, *, few: bool) -> str:
    study = report.study
    found = set()
    for where in wheres:
        for outcome in report.seeds(experiment, where):
            tested = sum(outcome["tests"][where[-1]]["model"].values())
            found.add((outcome["labels"], outcome["validation"], tested))
    if len(found) == 1:
        sizes = " / ".join(map(str, found.pop())) + " frames"
    else:  # runs differ in length, since frames were left out
        parts = shares(few, study.sequential)
        sizes = " / ".join(f"{100 * share:.0f}" for share in parts) + " %"
    of_paper = FEW_LABELS if few else ENOUGH_LABELS
    known = "" if of_paper in sizes or study.sequential else f" (the paper: {of_paper})"
    how = "in the order of the run" if study.sequential else "stratified and shuffled by the seed"
    return (
        f"Split into training, validation and test: {sizes}{known}, {how}; the validation frames "
        "choose nothing."
    )


MAKERS: dict[str, Callable[[Report], Table]] = {
    "1": _table_1,
    "2": _table_2,
    "3": _table_3,
    "4": _table_4,
    "5": _table_5,
    "6": comparison,
    "7": _table_7,
    "throughput": speeds,
}
