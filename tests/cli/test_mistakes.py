"""Whatever is given to the command: one sentence and exit code 2, at once, and nothing lost."""

import os
import resource
import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path

import h5py
import numpy as np
import pytest

from sklearn_sfx import write_cxidb76
from sklearn_sfx.cli import main
from sklearn_sfx.screening import read_hits

SFX = Path(sys.executable).with_name("sfx")
READ = {
    "info": ("run", "mask"),
    "label": ("run", "mask"),
    "train": ("run", "mask", "labels"),
    "screen": ("run", "mask", "model"),
    "evaluate": ("run", "mask", "labels", "model"),
}
FILES = {
    "run": "run.h5",
    "mask": "run.mask.h5",
    "labels": "run.labels.txt",
    "model": "model.joblib",
}


@pytest.fixture
def words(run_folder, tmp_path, monkeypatch):
    """Return what gives the words of a verb, with other files for some; started where none is."""
    monkeypatch.chdir(tmp_path)

    def make(verb, *more, without=(), **others):
        files = {name: str(run_folder / FILES[name]) for name in READ[verb]} | others
        options = [
            (f"--{name}", files[name]) for name in READ[verb] if name not in ("run", *without)
        ]
        if verb == "train":
            options.append(("--model", "new.joblib"))
        return [verb, files["run"], *(word for pair in options for word in pair), *more]

    return make


def refused(capsys, given):
    """Check that one sentence is said and nothing written, and return the sentence."""
    before = sorted(os.listdir())
    try:
        code = main(given)
    except SystemExit as end:  # of the parser
        code = end.code
    captured = capsys.readouterr()
    assert (code, captured.out) == (2, "")
    sentence = captured.err.splitlines()[-1]
    assert sentence.startswith("sfx")
    assert "Traceback" not in captured.err
    assert sorted(os.listdir()) == before
    return sentence


# -- Numbers


@pytest.mark.parametrize("verb", ["label", "train", "simulate"])
@pytest.mark.parametrize("seed", ["-1", str(2**32), "9" * 30, "1.5", "x"])
def test_seeds(words, capsys, verb, seed):
    given = ["simulate", "new.h5"] if verb == "simulate" else words(verb)
    assert "argument --seed" in refused(capsys, [*given, f"--seed={seed}"])


@pytest.mark.parametrize(
    ("verb", "option"),
    [("label", "--n-frames"), ("train", "--n-labels"), ("train", "--crop"), ("train", "--epochs")],
)
@pytest.mark.parametrize("value", ["0", "-3", "9" * 12, "9" * 6000, "nan", "1e3"])
def test_counts(words, capsys, verb, option, value):
    assert f"argument {option}" in refused(capsys, [*words(verb), f"{option}={value}"])


@pytest.mark.parametrize("value", ["0", "-1", "1025", "99999999"])
def test_threads(words, capsys, value):
    assert "argument --jobs" in refused(capsys, [*words("screen"), f"--jobs={value}"])


@pytest.mark.parametrize("value", ["0", "-1", str(2**64), "0x1FFFFFFFFFFFFFFFF", "good"])
def test_bits(words, capsys, value):
    assert "argument --bad-bits" in refused(capsys, [*words("screen"), f"--bad-bits={value}"])


@pytest.mark.parametrize("value", ["nan", "inf", "-0.1", "1.1"])
def test_thresholds(words, capsys, value):
    assert "between 0 and 1" in refused(capsys, [*words("screen"), f"--threshold={value}"])


@pytest.mark.parametrize("n_labels", ["1", "89", "90", "91"])
def test_any_number_of_labels_trains_or_is_refused(words, capsys, n_labels):
    given = words("train", "--method", "peaks", "--crop", "160", "--n-labels", n_labels)
    if n_labels in ("1", "91"):
        assert "label" in refused(capsys, given)
    else:
        assert main(given) == 0
        assert f"{n_labels} labelled frames" in capsys.readouterr().out


def test_a_mask_of_64_bits(words, capsys):
    with h5py.File("mask.h5", "w") as file:
        file["mask"] = np.zeros((160, 160), np.uint64)
    given = words("screen", "--no-peaks", "--bad-bits", "0xFFFFFFFFFFFFFFFF", mask="mask.h5")
    assert main(given) == 0


# -- Files that are none, and files of others


@pytest.mark.parametrize(
    ("verb", "name", "kind"),
    [(verb, *pair) for verb, names in READ.items() for pair in product(names, ("pipe", "device"))],
)
def test_what_would_never_end_is_refused(words, tmp_path, capsys, verb, name, kind):
    os.mkfifo(tmp_path / "pipe")
    path = "/dev/zero" if kind == "device" else "pipe"
    sentence = refused(capsys, words(verb, **{name: path}))
    assert "pipe" in sentence or "device" in sentence


def test_labels_with_a_byte_order_mark_and_windows_line_ends(words, run_folder, tmp_path, capsys):
    lines = (run_folder / "run.labels.txt").read_text().splitlines()
    (tmp_path / "labels.txt").write_bytes("\ufeff".encode() + "\r\n".join(lines).encode())
    assert main(words("evaluate", labels="labels.txt")) == 0
    assert capsys.readouterr().out.startswith("30 labelled frames")


def test_a_label_of_20_digits(words, tmp_path, capsys):
    (tmp_path / "labels.txt").write_text("run.h5 [99999999999999999999] HIT\n")
    assert "which no run has" in refused(capsys, words("evaluate", labels="labels.txt"))


def test_terminal_codes_and_long_lines_are_not_echoed(words, tmp_path, capsys):
    (tmp_path / "labels.txt").write_text("\x1b]0;title\x07" + "x" * 10**6 + "\n")
    sentence = refused(capsys, words("evaluate", labels="labels.txt"))
    assert sentence.isprintable()
    assert len(sentence) < 1000
    sentence = refused(capsys, words("screen", run="\x1b[2J\nsfx screen: all is well.h5"))
    assert sentence.isprintable()
    assert "\\x1b[2J\\n" in sentence
    sentence = refused(capsys, ["screen", "run.h5", "--model", "m", "--x\x1b[2J" + "y" * 10**5])
    assert sentence.isprintable()
    assert len(sentence) < 2100


# -- The mask, and files that are named twice


@pytest.mark.parametrize(
    "option", [["--mask-dataset", "mask"], ["--good-bits=1"], ["--bad-bits=any"]]
)
@pytest.mark.parametrize("verb", list(READ))
def test_how_a_mask_is_read_needs_a_mask(words, capsys, verb, option):
    sentence = refused(capsys, words(verb, *option, without=["mask"]))
    assert f"{option[0].partition('=')[0]} says how a mask is read" in sentence


@pytest.mark.filterwarnings("always::sklearn_sfx.exceptions.OtherMaskWarning")
def test_a_model_that_is_used_without_its_mask_says_so(words, capsys):
    assert main(words("screen", "--no-peaks")) == 0
    assert capsys.readouterr().err == ""
    assert main(words("screen", "--no-peaks", without=["mask"])) == 0
    assert "trained behind a mask and is used without one" in capsys.readouterr().err


@pytest.mark.filterwarnings("always::sklearn_sfx.exceptions.RepeatedFramesWarning")
def test_a_file_that_comes_twice_is_said(words, run_folder, tmp_path, capsys):
    (tmp_path / "link.h5").symlink_to(run_folder / "run.h5")
    verb, run, *options = words("screen", "--no-peaks")
    assert main([verb, run, "link.h5", *options]) == 0
    captured = capsys.readouterr()
    assert captured.err.startswith("sfx screen: 90 frames of this run come more than once")
    assert "of 180 frames are hits" in captured.out


# -- Names of any bytes, in any locale, in the installed command


def run_sfx(*given, **options):
    return subprocess.run([SFX, *given], capture_output=True, check=False, **options)


ODD_NAMES = [b"caf\xe9.h5", "\u00e9\u2028.h5".encode(), b"\x1b[2J.h5"]
SCREEN_EACH = """
import sys
from sklearn_sfx.cli import main
names, options = sys.argv[1:4], sys.argv[4:]
sys.exit(sum(main(["screen", name, *options]) for name in names))
"""


@pytest.mark.parametrize(
    "locale", [{"LC_ALL": "C"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]
)
def test_names_that_are_no_utf_8(run_folder, tmp_path, locale):
    """The locale is that of the process, which then takes one name after the other."""
    for name in ODD_NAMES:
        shutil.copy(run_folder / "run.h5", os.fsencode(tmp_path) + b"/" + name)
    shared = ["--model", run_folder / "model.joblib", "--mask", run_folder / "run.mask.h5"]
    command = [sys.executable, "-c", SCREEN_EACH, *ODD_NAMES, *shared, "--no-peaks"]
    done = subprocess.run(
        command, capture_output=True, check=False, cwd=tmp_path, env=os.environ | locale
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert all(line.isascii() or line.decode() for line in done.stdout.splitlines())
    for name in ODD_NAMES:
        hits = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name[:-3] + b".hits.lst"))
        assert {os.path.basename(os.fsencode(path)) for path, _ in read_hits(hits)} == {name}
        assert os.listdir(os.fsencode(tmp_path)).count(name[:-3] + b".scores.csv") == 1


def test_a_name_that_would_forge_a_line_is_refused_before_the_work(words, run_folder, capsys):
    name = "a\n/data/b.h5 x.h5".replace("/", "_")
    shutil.copy(run_folder / "run.h5", name)
    assert "has an end of line in it" in refused(capsys, words("screen", run=name))


# -- No reader, no room


def test_a_reader_that_has_seen_enough_is_no_mistake(tmp_path):
    simulate = f"{SFX} simulate run.h5 --n-frames 2 --frame-shape 64 64"
    for command in (f"{SFX} --help", simulate):
        script = f"set -o pipefail; {command} | true"
        done = subprocess.run(
            ["bash", "-c", script], capture_output=True, cwd=tmp_path, check=False
        )
        assert done.stderr == b""
    assert done.returncode == 0
    assert (tmp_path / "run.mask.h5").exists()


def test_simulate_on_a_full_disk(tmp_path):
    def little_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (800_000, 800_000))

    options = ["--n-frames", "60", "--frame-shape", "160", "160"]
    done = run_sfx("simulate", "run.h5", *options, cwd=tmp_path, preexec_fn=little_room)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"sfx simulate: run.h5: File too large.\n"
    assert list(tmp_path.iterdir()) == []


def test_hits_on_a_full_disk(run_folder, tmp_path):
    def little_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (800_000, 800_000))

    run = [str(run_folder / "run.h5"), "--mask", str(run_folder / "run.mask.h5")]
    options = ["--save-hits", "hits.cxi", "--no-peaks", "--quiet"]
    done = run_sfx("screen", *run, *options, cwd=tmp_path, preexec_fn=little_room)
    assert (done.returncode, done.stderr) == (2, b"sfx screen: hits.cxi: File too large.\n")
    assert not (tmp_path / "hits.cxi").exists()
    again = run_sfx("screen", *run, *options, "--force", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "hits.cxi").stat().st_size > 800_000


def test_write_cxidb76_on_a_full_disk(tmp_path):
    code = (
        "import resource, numpy as np; from sklearn_sfx import write_cxidb76\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10**6, 10**6))\n"
        "write_cxidb76('run.h5', np.zeros((60, 160, 160), np.uint16), compression=None)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert done.stderr.endswith("OSError: [Errno 27] File too large: 'run.h5'\n")
    assert list(tmp_path.iterdir()) == []


# -- As many labels as frames


def test_evaluate_reads_each_labelled_frame_at_most_three_times(
    words, tmp_path, monkeypatch, capsys
):
    frames = np.random.default_rng(0).poisson(3, (3000, 24, 24)).astype(np.uint16)
    write_cxidb76(tmp_path / "many.h5", frames)
    lines = [f"many.h5 [{i + 1}] {'HIT' if i % 3 else 'MISS'}\n" for i in range(len(frames))]
    (tmp_path / "labels.txt").write_text("".join(lines))
    many = {"run": "many.h5", "labels": "labels.txt"}
    options = ["--method", "peaks", "--crop", "24", "--n-labels", "9"]  # pure noise
    assert main(words("train", *options, without=["mask"], **many)) == 0
    from sklearn_sfx.frames import Frames

    n_read = []
    read = Frames._read_here
    monkeypatch.setattr(Frames, "_read_here", lambda part: n_read.append(len(part)) or read(part))
    evaluating = words("evaluate", without=["mask"], model="new.joblib", **many)
    assert main(evaluating) == 0
    assert "2991 labelled frames" in capsys.readouterr().out
    assert sum(n_read) <= 3000 + 2 * 2991  # is it new, and twice for the peaks
