"""The command line."""

import argparse
import contextlib
import dataclasses
import json
import os
import tempfile
from importlib import import_module
from pathlib import Path

import torch

from . import cores, gpu
from .machine import Machine, describe_machine
from .material import Material
from .report import as_json, as_page, as_table
from .rows import Row

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
    "training",
    "where_the_time_goes",
    "scale",
]


def main() -> None:
    options = parse_arguments()
    load = os.getloadavg()[0]
    use_one_thread()
    machine = describe_machine(load, options.quick)
    print(machine.sentence(), end="\n\n", flush=True)
    if options.gpu or options.cores:
        measure_elsewhere(options, machine)
        return
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
    PAGE.write_text(as_page(machine, found, kept_results()))
    print(f"Written: {RESULTS.relative_to(ROOT)}, {PAGE.relative_to(ROOT)}")


def measure_elsewhere(options: argparse.Namespace, machine: Machine) -> None:
    """Measure what wants a machine of its own, and keep the results for the page."""
    with tempfile.TemporaryDirectory() as folder, Material(Path(folder), options.quick) as material:
        if options.gpu:
            rows, name = gpu.measure(material), "gpu"
        else:
            rows, name = cores.measure(material, options.cores), "cores"
    print(as_table(rows))
    path = RESULTS.with_name(f"{name}.json")
    path.write_text(as_json(machine, {name: (None, rows)}))
    print(f"\nWritten: {path.relative_to(ROOT)}; the next full run puts it on the page.")


def kept_results() -> dict[str, tuple[str, str, str, list[Row]]]:
    """Return what was measured on other machines, or rows without values."""
    kept = {}
    for title, name, section, option in (
        ("A GPU", "gpu", gpu, "--gpu"),
        ("Many cores", "cores", cores, "--cores 1 2 4 8 16"),
    ):
        path, machine, rows = RESULTS.with_name(f"{name}.json"), "", section.NOT_MEASURED
        if path.exists():
            stored = json.loads(path.read_text())
            machine = Machine(**stored["machine"]).sentence()
            fields = [field.name for field in dataclasses.fields(Row)]
            rows = [
                Row(**{key: row[key] for key in fields} | {"values": tuple(row["values"])})
                for row in stored["sections"][name]
            ]
        kept[title] = f"python -m benchmarks.speed {option}", section.__doc__, machine, rows
    return kept


def use_one_thread() -> None:
    """Keep these two to one thread each; the environment holds the others, in ``__main__``."""
    torch.set_num_threads(1)
    with contextlib.suppress(ImportError):  # a peer, which some sections do without
        import cv2

        cv2.setNumThreads(1)


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
    elsewhere = parser.add_mutually_exclusive_group()
    elsewhere.add_argument("--gpu", action="store_true", help="what a GPU does, and nothing else")
    elsewhere.add_argument(
        "--cores",
        nargs="+",
        type=int,
        metavar="N",
        help="what so many threads and processes do, and nothing else: 1 2 4 8 16",
    )
    parser.add_argument("--quick", action="store_true", help="few repeats, and write nothing")
    parser.add_argument("--write", action="store_true", help="write what a quick run found too")
    return parser.parse_args()
