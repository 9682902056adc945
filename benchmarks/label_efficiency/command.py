"""The command line: do all cells, and write tables, a picture and JSON."""

import argparse
import datetime
import json
from pathlib import Path

from joblib import Parallel, delayed

from .cells import LABELS_OF_OTHERS, Cell, do_cell
from .methods import ACROSS, ALL, WITHIN
from .report import as_page, draw
from .runs import EXPERIMENTS, run_of

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results" / "label_efficiency.json"
PAGE = ROOT / "docs" / "label_efficiency.md"
PICTURE = ROOT / "docs" / "images" / "label_efficiency"


def main() -> None:
    options = parse_arguments()
    options.cache.mkdir(exist_ok=True)
    own = options.experiments
    sizes = {name: options.n_frames if name in own else LABELS_OF_OTHERS for name in EXPERIMENTS}
    cells = [
        Cell(method, experiment, n_labels, seed)
        for methods, experiments in ((ACROSS, EXPERIMENTS), (WITHIN, own))
        for method in methods
        for n_labels in methods[method].n_labels
        for seed in range(options.seeds)
        for experiment in experiments
        if n_labels <= options.most_labels
    ]
    with Parallel(n_jobs=options.jobs, verbose=1) as parallel:
        parallel(
            delayed(run_of)(name, seed, sizes[name], options.cache)
            for seed in range(options.seeds)
            for name in EXPERIMENTS
        )
        results = parallel(delayed(do_cell)(cell, sizes, options.cache) for cell in cells)
    command = (
        f"python -m benchmarks.label_efficiency --cache FOLDER --experiments {' '.join(own)} "
        f"--seeds {options.seeds} --n-frames {options.n_frames} --most-labels {options.most_labels}"
    )
    about = {
        "command": command,
        "date": datetime.date.today().isoformat(),
        "frames": sizes,
    }
    rows = [cell._asdict() | outcome for cell, outcome in results]
    page = as_page(rows, about)
    print(page)
    if options.write:
        RESULTS.write_text(json.dumps(about | {"rows": rows}, indent=1) + "\n")
        PAGE.write_text(page)
        draw(rows, PICTURE)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.label_efficiency",
        description="How few labels are enough, and what carries over to a new detector.",
    )
    parser.add_argument("--cache", type=Path, required=True, help="folder that keeps what is done")
    parser.add_argument("--experiments", nargs="+", default=EXPERIMENTS, choices=EXPERIMENTS)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--n-frames", type=int, default=1600, help="of each of the experiments")
    parser.add_argument("--most-labels", type=int, default=max(ALL))
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="write the page, picture and JSON")
    return parser.parse_args()
