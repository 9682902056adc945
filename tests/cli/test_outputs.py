"""What the verbs write: never over an input or a file of others, and under the name of the run."""

import csv
import hashlib
import os
import shutil
from itertools import chain, combinations, product

import h5py
import numpy as np
import pytest

from sklearn_sfx.cli import main
from sklearn_sfx.screening import read_hits

INPUTS = {"run": "run.h5", "mask": "run.mask.h5", "labels": "run.labels.txt", "model": "model"}
READ_AND_WRITTEN = {
    "info": (("run", "mask"), ("--picture",)),
    "label": (("run", "mask"), ("--page",)),
    "train": (("run", "mask", "labels"), ("--model",)),
    "screen": (("run", "mask", "model"), ("--hits", "--scores", "--report")),
    "evaluate": (("run", "mask", "labels", "model"), ("--report",)),
}
MATRIX = [
    (verb, output, taken)
    for verb, (read, written) in READ_AND_WRITTEN.items()
    for output, taken in product(written, read)
]


@pytest.fixture
def folder(run_folder, tmp_path, monkeypatch):
    """Return a folder with a run and all that belongs to it, where no work may be done."""
    for path in run_folder.iterdir():
        if path.is_file():
            shutil.copy(path, tmp_path / path.name)
    (tmp_path / "model.joblib").rename(tmp_path / "model")
    monkeypatch.chdir(tmp_path)

    def too_late(*args, **options):
        raise AssertionError("this was refused too late")

    for name in ("screen", "train", "write_label_page", "load_screening_model", "run_info"):
        monkeypatch.setattr(f"sklearn_sfx.screening.{name}", too_late)
    monkeypatch.setattr("sklearn_sfx.datasets.make_sfx_frames", too_late)
    return tmp_path


def arguments(verb):
    read, _ = READ_AND_WRITTEN[verb]
    pairs = ((f"--{name}", INPUTS[name]) for name in read if name != "run")
    return [verb, "run.h5", *chain.from_iterable(pairs)]


def contents(folder):
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.is_file() and not path.is_symlink()
    }


def refused(capsys, words, message):
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(("verb", "output", "taken"), MATRIX)
def test_no_output_is_an_input(folder, capsys, verb, output, taken):
    before = contents(folder)
    (folder / "link").symlink_to(folder / INPUTS[taken])
    for path, force in product((INPUTS[taken], "./link"), ([], ["--force"])):
        words = [*arguments(verb), output, path, *force]
        refused(capsys, words, f"{path.removeprefix('./')}: this is an input of the command")
    assert contents(folder) == before


@pytest.mark.parametrize("path", ["other.h5", "other.txt", "other.mask.h5", "model"])
def test_a_trained_model_is_not_written_over_another_experiment(folder, capsys, path):
    for ending in (".h5", ".labels.txt", ".mask.h5"):
        shutil.copy(f"run{ending}", f"other{ending.removeprefix('.labels')}")
    source = ["--source", "other.h5", "--source-labels", "other.txt"]
    other = [*source, "--source-mask", "other.mask.h5"]
    other = ["--from", "model"] if path == "model" else other
    words = ["train", "run.h5", "--labels", "run.labels.txt", *other, "--model", path, "--force"]
    refused(capsys, words, f"{path}: this is an input of the command")


def link_to_a_mask(folder):
    (folder / "run.mask.h5").rename(folder / "behind.h5")
    with h5py.File(folder / "run.mask.h5", "w") as file:
        file["mask"] = h5py.ExternalLink("behind.h5", "mask")


def virtual_mask(folder):
    (folder / "run.mask.h5").rename(folder / "behind.h5")
    with h5py.File(folder / "behind.h5") as file:
        shape, dtype = file["mask"].shape, file["mask"].dtype
    layout = h5py.VirtualLayout(shape, dtype)
    layout[:] = h5py.VirtualSource("behind.h5", "mask", shape)
    with h5py.File(folder / "run.mask.h5", "w") as file:
        file.create_virtual_dataset("mask", layout)


@pytest.mark.parametrize("lead", [link_to_a_mask, virtual_mask])
def test_no_output_is_what_a_mask_leads_to(folder, capsys, lead):
    lead(folder)
    before = contents(folder)
    for verb, (_, written) in READ_AND_WRITTEN.items():
        words = [*arguments(verb), written[0], "behind.h5", "--force"]
        refused(capsys, words, "behind.h5: this is an input of the command")
    assert contents(folder) == before


def test_no_output_is_what_the_mask_of_a_run_leads_to(folder, capsys):
    """An NXmx master, whose mask lies in a file of its own."""
    (folder / "run.mask.h5").rename(folder / "behind.h5")
    with h5py.File(folder / "behind.h5", "r+") as file:
        usable = file["mask"][:]
        del file["mask"]
        file["mask"] = (~usable).astype("uint32")
    with h5py.File(folder / "master.h5", "w") as file:
        file.create_group("entry").attrs["NX_class"] = "NXentry"
        file["entry/definition"] = "NXmx"
        file["entry/data/data"] = np.ones((3, *usable.shape), "uint16")
        file["entry/data"].attrs["NX_class"] = "NXdata"
        detector = file.create_group("entry/instrument/detector")
        file["entry/instrument"].attrs["NX_class"] = "NXinstrument"
        detector.attrs["NX_class"] = "NXdetector"
        detector["pixel_mask"] = h5py.ExternalLink("behind.h5", "mask")
    words = ["screen", "master.h5", "--hits", "behind.h5", "--force"]
    refused(capsys, words, "behind.h5: this is an input of the command")


@pytest.mark.parametrize(("one", "two"), list(combinations(READ_AND_WRITTEN["screen"][1], 2)))
def test_no_two_outputs_are_one(folder, capsys, one, two):
    words = [*arguments("screen"), one, "x", two]
    refused(capsys, [*words, "../" + folder.name + "/x"], "two outputs cannot go to one file")
    refused(capsys, [*arguments("screen"), one, "-", two, "-"], "both go to standard output")


def test_an_output_is_not_one_of_the_default_names(folder, capsys):
    words = [*arguments("screen"), "--scores", "run.hits.lst"]
    refused(capsys, words, "run.hits.lst: two outputs cannot go to one file")


@pytest.mark.parametrize(
    ("verb", "output"),
    [(verb, output) for verb, (_, written) in READ_AND_WRITTEN.items() for output in written],
)
def test_an_output_is_a_file_and_of_nobody_else(folder, capsys, verb, output):
    os.mkfifo("pipe")
    (folder / "notes.txt").write_text("mine")
    (folder / "to_notes").symlink_to("notes.txt")
    for path, message in [
        ("/dev/null", "pipe or a device"),
        ("pipe", "pipe or a device"),
        (str(folder), "is a folder"),
        ("to_notes", "this is a link"),
        ("none/x", "does not exist"),
    ]:
        refused(capsys, [*arguments(verb), output, path, "--force"], message)
    refused(capsys, [*arguments(verb), output, "notes.txt"], "this file is there already")
    assert (folder / "notes.txt").read_text() == "mine"


def test_files_of_a_list_are_inputs_too(folder, capsys):
    (folder / "some.lst").write_text("run.h5 chunk_0000000//1\nrun.h5 chunk_0000000//3\n")
    for path in ("run.h5", "some.lst"):
        words = ["screen", "some.lst", "--model", "model", "--hits", path, "--force"]
        refused(capsys, words, "this is an input of the command")


def test_files_behind_a_master_are_inputs_too(folder, capsys):
    """Frames behind a link, and those of a virtual dataset."""
    with h5py.File("run.h5") as file, h5py.File("data.h5", "w") as data:
        data["images"] = file["data/chunk_0000000/images"][:20]
    (folder / "below").mkdir()
    (folder / "data.h5").rename(folder / "below" / "data.h5")
    with h5py.File("linked.h5", "w") as master:
        master["entry/data/data"] = h5py.ExternalLink("below/data.h5", "images")
    layout = h5py.VirtualLayout((20, 160, 160), "u2")
    layout[:] = h5py.VirtualSource("below/data.h5", "images", (20, 160, 160))
    with h5py.File("virtual.h5", "w") as master:
        master.create_virtual_dataset("images", layout)
    for master in ("linked.h5", "virtual.h5"):
        for path in (master, "below/data.h5"):
            words = ["screen", master, "--model", "model", "--hits", path, "--force"]
            refused(capsys, words, f"{path}: this is an input of the command")


@pytest.mark.parametrize("name", ["new.h5", "new.labels.txt", "new.mask.h5"])
def test_simulate_replaces_nothing_of_others(folder, capsys, name):
    (folder / name).write_text("an hour of work")
    refused(capsys, ["simulate", "new.h5", "--n-frames", "2"], f"{name}: this file is there")
    assert (folder / name).read_text() == "an hour of work"


def test_simulate_beside_a_run_leaves_its_labels_and_mask(tmp_path):
    for name in ("expert_annotation.txt", "mask.h5"):
        (tmp_path / name).write_text("an hour of work")
    options = ["--n-frames", "2", "--frame-shape", "64", "64"]
    for seed in ("0", "0"):
        assert main(["simulate", str(tmp_path / "new.h5"), *options, "--seed", seed]) == 0
    assert main(["simulate", str(tmp_path / "new.h5"), *options, "--seed", "1"]) == 2
    for name in ("expert_annotation.txt", "mask.h5"):
        assert (tmp_path / name).read_text() == "an hour of work"
    written = {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert written == {"expert_annotation.txt", "mask.h5"} | {
        f"new.{end}" for end in ("h5", "labels.txt", "mask.h5")
    }


def test_a_second_run_does_not_replace_the_first(run_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for folder, name in [("a", "first"), ("a", "second"), ("b", "first")]:
        (tmp_path / folder).mkdir(exist_ok=True)
        shutil.copy(run_folder / "run.h5", tmp_path / folder / f"{name}.h5")
    shared = [
        "--model",
        str(run_folder / "model.joblib"),
        "--mask",
        str(run_folder / "run.mask.h5"),
    ]
    assert main(["screen", "a/first.h5", *shared, "--no-peaks"]) == 0
    written = {f"first.{end}" for end in ("hits.lst", "scores.csv")}
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} == written
    assert main(["screen", "a/second.h5", *shared, "--no-peaks"]) == 0
    assert main(["screen", "a/first.h5", *shared, "--no-peaks", "--threshold", "0"]) == 0
    assert len(read_hits("first.hits.lst")) == 90
    capsys.readouterr()
    assert main(["screen", "b/first.h5", *shared, "--no-peaks"]) == 2
    assert "first.scores.csv: this file is there already" in capsys.readouterr().err
    assert {path for path, _ in read_hits("first.hits.lst")} == {str(tmp_path / "a" / "first.h5")}


def test_a_list_on_standard_output_is_nothing_but_the_list(sfx, run_folder, tmp_path, capfd):
    shared = ["--model", run_folder / "model.joblib", "--no-peaks"]
    assert sfx("screen", *shared, "--hits", "-", "--scores", tmp_path / "s.csv") == 0
    captured = capfd.readouterr()
    (tmp_path / "hits.lst").write_text(captured.out)
    with open(tmp_path / "s.csv", newline="") as file:
        hits = [row["event"] for row in csv.DictReader(file) if row["decision"] == "hit"]
    assert [event for _, event in read_hits(tmp_path / "hits.lst")] == hits
    assert "90 frames are hits" in captured.err
