"""The whole of ``sfx reproduce`` on simulated frames, at a tiny scale."""

import csv
import re
import socket

import pytest

from sklearn_sfx.cli import main
from sklearn_sfx.reproduction import _cells

TABLES = [f"table_{number}" for number in range(1, 8)] + ["throughput"]
FIGURES = [f"figure_{number}" for number in range(5, 11)]


@pytest.fixture
def calls(monkeypatch):
    """Return the cells that are done, as they are done."""
    done = []

    def counting(name, experiment):
        def run(study, where, seed):
            done.append((name, where, seed))
            return experiment(study, where, seed)

        return run

    wrapped = {name: counting(name, one) for name, one in _cells.EXPERIMENTS.items()}
    monkeypatch.setattr(_cells, "EXPERIMENTS", wrapped)
    return done


def sfx(*words):
    return main(["reproduce", *map(str, words), "--quick", "--jobs", "1"])


def read(folder, name):
    with open(folder / "tables" / f"{name}.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_whole_report_broken_off_and_resumed(tmp_path, make_tiny, calls, monkeypatch, capsys):
    out = tmp_path / "out"

    def broken_off(study, where, seed):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setitem(_cells.EXPERIMENTS, "embedding", broken_off)
        assert sfx(out) == 130
    assert "start it again" in capsys.readouterr().err
    assert not (out / "report.html").exists()
    first = list(calls)
    assert len(first) == 27  # all but the embedding, and what comes after it

    assert sfx(out) == 0
    assert [call[0] for call in calls[len(first) :]] == ["embedding", "examples", "throughput"]
    printed = capsys.readouterr()
    assert printed.out == f"{out}/report.html: the report, on SIMULATED frames\n"
    assert "left" in printed.err
    done = len(calls)
    (cell,) = {path.parent for path in out.rglob("embedding*.json")}
    killed = cell / ".sfx" / f"{socket.gethostname()}-0"  # at its very last step
    killed.mkdir(parents=True)
    killed.with_name(f"{killed.name}.lock").touch()
    assert sfx(out) == 0
    assert len(calls) == done
    assert not killed.parent.exists()

    check_tables(out)
    check_pictures(out)
    leftovers = [path.name for path in out.rglob("*") if path.suffix in (".h5", ".txt")]
    assert leftovers == []  # frames take room, and are made again when they are needed


def check_tables(out):
    page = (out / "report.html").read_text()
    text = (out / "report.md").read_text()
    assert not re.search(r"(src|href)=\"(?!data:image/png;base64,)", page)
    assert "http" not in page.replace("http-equiv", "")
    captions = re.findall(r'<p class="caption">(.*?)</p>', page)
    assert len(captions) == len(TABLES)
    for caption in captions:
        assert "SIMULATED frames" in caption
        assert "MAYBE counted as hit" in caption
        assert "TINY: 60 frames" in caption
        assert "eak count" in caption or "Throughput" in caption or "Table 6" in caption
    for name in TABLES:
        assert f'id="{name}"' in page
        rows = read(out, name)
        mark = "SIMULATED frames, TINY run, MAYBE counted as hit"
        assert {row["frames are"] for row in rows} == {mark}
    assert text.count("\n## ") == len(TABLES)

    assert [len(read(out, f"table_{n}")) for n in (1, 2, 3, 4, 5, 6, 7)] == [
        18,
        6,
        12,
        6,
        24,
        5,
        18,
    ]
    for number in (1, 2, 3, 4, 5, 7):
        for row in read(out, f"table_{number}"):
            found, lost = int(row["found"]), int(row["lost"])
            assert float(row["recall"]) == pytest.approx(found / (found + lost))
            assert float(row["recall low"]) <= float(row["recall"]) <= float(row["recall high"])
            assert found + lost + int(row["kept"]) + int(row["left"]) == float(row["frames"])
        methods = [row["method"] for row in read(out, f"table_{number}")]
        assert methods.count("peak count") == len(methods) // {5: 4, 7: 3}.get(number, 2)
    of_paper = [row for row in read(out, "table_5") if row["paper recall"]]
    assert [(row["method"], row["labels of"], row["tested on"]) for row in of_paper] == [
        ("DANN, strength 1", "LN83", "LO19"),
        ("CNN2D of the source", "LN83", "LO19"),
    ]
    assert {row["frames"] for row in read(out, "table_5")} == {"60.0"}
    assert [row["labels of the run itself"] for row in read(out, "table_6")] == [
        "36",
        "6",
        "6",
        "0",
        "0",
    ]
    methods = [row["method"] for row in read(out, "table_6")]
    assert methods[-2:] == ["DANN", "DANN, strength 1"]
    assert len(set(methods)) == len(methods)
    assert all(float(row["per second"]) > 0 for row in read(out, "throughput"))


def check_pictures(out):
    page = (out / "report.html").read_text()
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", page)
    assert len(captions) == len(FIGURES)
    assert all("SIMULATED frames" in caption and "TINY" in caption for caption in captions)
    assert page.count("data:image/png;base64,") == len(FIGURES)
    for name in FIGURES:
        assert (out / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        drawing = (out / "figures" / f"{name}.svg").read_text()
        assert "SIMULATED frames" in drawing
        assert "TINY" in drawing


def test_choices_are_said_and_one_table_alone_is_made(tmp_path, make_tiny, calls):
    make_tiny(n_frames=80)
    out = tmp_path / "out"
    options = ["--only", "4", "--maybe", "drop", "--sequential-split", "--seeds", "2"]
    assert sfx(out, *options) == 0
    assert sorted(calls) == sorted(
        ("vectors", (name,), seed) for name in ("LN84", "LN83", "LO19") for seed in (0, 1)
    )
    assert [path.name for path in (out / "tables").iterdir()] == ["table_4.csv"]
    assert not (out / "figures").exists()
    text = (out / "report.md").read_text()
    for said in ("MAYBE left out", "in the order of the run", "Mean of 2 seeds"):
        assert said in text
    assert {row["seeds"] for row in read(out, "table_4")} == {"2"}
    assert "10 / 10 / 80 %" in text  # runs differ in length, now that frames are left out
    assert sfx(out, *options[:-1], "1") == 0  # a seed less is there already
    assert len(calls) == 6


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--only", "8"], "no '8' to make: choose among 1, 2"),
        (["--data", "nowhere"], "nowhere: there is no such folder"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(tmp_path, capsys, words, why):
    assert main(["reproduce", str(tmp_path / "out"), *words]) == 2
    said = capsys.readouterr().err
    assert why in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_file_is_no_folder(tmp_path, capsys):
    (tmp_path / "out").write_text("")
    assert main(["reproduce", str(tmp_path / "out")]) == 2
    assert "this is a file" in capsys.readouterr().err


def test_a_folder_of_other_things_is_refused(tmp_path, capsys):
    (tmp_path / "report.html").write_text("an hour of work")
    assert sfx(tmp_path, "--only", "4") == 2
    assert "this folder holds what is not of a reproduction" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
