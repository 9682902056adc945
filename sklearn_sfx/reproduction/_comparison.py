"""Table 6, which compares the methods, and the table of speeds."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_sfx.datasets import MAYBE_RULES
from sklearn_sfx.reproduction._cells import PAIRS, SINGLES, Cell
from sklearn_sfx.reproduction._metrics import Proportion, summarized
from sklearn_sfx.reproduction._outcomes import ADVERSARIAL, PAPER_RATES, Report, Table, numbers

__all__ = ["comparison", "speeds"]


def comparison(report: Report) -> Table:
    columns = [
        "method",
        "labels of the run itself",
        "labels of another run",
        "training / s",
        "frames/s from file to decision",
        "recall",
        "precision",
        "recall on runs it was not trained for",
        "pre-processing",
        "generality",
    ]
    rates = report.outcomes[Cell("throughput", (), 0)]["rates"]
    by_frames = 1 / (1 / rates["to_frames"] + 1 / rates["frames"])
    by_vectors = 1 / (1 / rates["to_vectors"] + 1 / rates["vectors"])
    kinds: list[tuple[Any, ...]] = [
        ("CNN2D, enough labels", "enough", SINGLES, by_frames, "crop, GCN, LCN",
         "a network for each experiment"),
        ("FineTuned", "fine_tuned", PAIRS, by_frames, "crop, GCN, LCN",
         "for each experiment anew, from another's network"),
        ("RWD + CNN1D", "vectors", SINGLES, by_vectors, "crop, GCN, LCN, RWD",
         "one network may serve several experiments"),
        ("DANN", "dann", PAIRS, by_frames, "crop, GCN, LCN",
         "for each pair anew, with the frames of both"),
        (ADVERSARIAL, "reversal", PAIRS, by_frames, "crop, GCN, LCN",
         "for each pair anew, with the frames of both"),
    ]  # fmt: skip
    rows, records = [], []
    for method, experiment, wheres, rate, before, generality in kinds:
        outcomes = [outcome for where in wheres for outcome in report.seeds(experiment, where)]
        own = _together(_counts(report, experiment, wheres, own=True))
        labels = round(np.mean([outcome["labels"] for outcome in outcomes]))
        many = 0
        if experiment == "fine_tuned":
            many = round(np.mean([o["labels"] for w in SINGLES for o in report.seeds("enough", w)]))
        if experiment in ("dann", "reversal"):
            labels, many = 0, labels
        seconds = float(np.mean([outcome["train_seconds"] for outcome in outcomes]))
        others = _counts(report, experiment, wheres, own=False)
        elsewhere = str(_together(others)["recall"]) if others else "-"
        rows.append(
            [method, f"{labels}", f"{many}", f"{seconds:.1f}", f"{rate:.0f}", str(own["recall"]),
             str(own["precision"]), elsewhere, before, generality]
        )  # fmt: skip
        records.append(
            dict(zip(columns, rows[-1], strict=True))
            | numbers("", own)
            | {"training / s": seconds, "frames/s": rate, "frames are": report.mark}
        )
    caption = (
        "Table 6. The methods compared, by what was measured: labels and training time are means "
        "over runs or pairs and seeds, recall and precision are of all test frames together, and "
        "speeds are those of the table of throughput, with frames read from a file. The training "
        "of FineTuned is without that of its base, and cells that run side by side slow one "
        "another down. The paper calls the pre-processing of RWD hard, since another task "
        f"may need another decomposition. {report.conditions()}"
    )
    title = "Table 6: The methods compared"
    return Table("table_6", title, caption, columns, rows, records)


def _together(counts: list[dict[str, int]]) -> dict[str, Proportion]:
    """Return the proportions of all test frames of all runs and seeds together."""
    return summarized([{name: sum(one[name] for one in counts) for name in counts[0]}])


def _counts(report: Report, experiment: str, wheres: list, *, own: bool) -> list[dict[str, int]]:
    return [
        test["model"]
        for where in wheres
        for outcome in report.seeds(experiment, where)
        for name, test in outcome["tests"].items()
        if (name == where[-1]) is own
    ]


def speeds(report: Report) -> Table:
    found = report.outcomes[Cell("throughput", (), 0)]
    rates, threads = found["rates"], found["threads"]
    side = " x ".join(map(str, found["frame_shape"]))
    stored = " x ".join(map(str, found["stored_shape"]))
    network = f"{found['processor']}, {threads} thread{'' if threads == 1 else 's'}"
    if found["device"] != "cpu":
        network = f"{found['device']} and {network}"
    kinds = [
        ("CNN1D alone", f"vectors of {found['vector_length']} in memory", "vectors"),
        ("CNN2D alone", f"frames of {side} in memory", "frames"),
        ("crop, GCN, LCN, RWD", f"frames of {stored} in a file", "to_vectors"),
        ("crop, GCN, LCN", f"frames of {stored} in a file", "to_frames"),
    ]
    columns = ["work", "input", "per second", "the paper's, on an A100 card"]
    rows = [
        [name, what, f"{rates[key]:.0f}", f"{PAPER_RATES[key]}" if key in PAPER_RATES else "-"]
        for name, what, key in kinds
    ]
    records = [
        {
            "work": name,
            "input": what,
            "per second": rates[key],
            "paper per second": PAPER_RATES.get(key),
            "processor": found["processor"],
            "device": found["device"],
            "threads": threads,
            "frames are": report.mark,
        }
        for name, what, key in kinds
    ]
    caption = (
        f"Throughput of prediction on {network}: median of five rounds. Here CNN1D does "
        f"{rates['vectors'] / rates['frames']:.0f} times as many in a second as CNN2D; in the "
        f"paper it is 88 times. {report.kind}. {MAYBE_RULES[report.study.maybe]}.{report.size}"
    )
    return Table("throughput", "Throughput", caption, columns, rows, records)
