"""The command line."""

import argparse
import os
import tempfile
from importlib import import_module
from pathlib import Path

import cv2
import torch

from .machine import describe_machine
from .material import Material
from .report import as_json, as_page, as_table

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results" / "speed.json"
PAGE = ROOT / "docs" / "benchmarks.md"
SECTIONS = [
    "preprocessing",
    "hit_decision",
    "peaks",
    "reading",
    "end_to_end",
    "network",
    "where_the_time_goes",
    "scale",
]


def main() -> None:
    options = parse_arguments()
    load = os.getloadavg()[0]
    use_one_thread()
    machine = describe_machine(load, options.quick)
    print(machine.sentence(), end="\n\n", flush=True)
    found = {}
    with tempfile.TemporaryDirectory() as folder, Material(Path(folder), options.quick) as material:
        for name in options.only or SECTIONS:
            section = import_module(f".{name}", __package__)
            found[name] = (section.__doc__, section.measure(material))
            print(as_table(found[name][1]), end="\n\n", flush=True)
    if options.only or (options.quick and not options.write):
        print("Nothing was written: a full run writes the results and the page.")
        return
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(as_json(machine, found))
    PAGE.write_text(as_page(machine, found))
    print(f"Written: {RESULTS.relative_to(ROOT)}, {PAGE.relative_to(ROOT)}")


def use_one_thread() -> None:
    """Keep these two to one thread each; the environment holds the others, in ``__main__``."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed", description="Measure speed against named peers."
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=SECTIONS,
        metavar="NAME",
        help=f"these sections only, and write nothing: {', '.join(SECTIONS)}",
    )
    parser.add_argument("--quick", action="store_true", help="few repeats, and write nothing")
    parser.add_argument("--write", action="store_true", help="write what a quick run found too")
    return parser.parse_args()
