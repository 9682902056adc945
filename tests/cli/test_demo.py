"""``sfx demo``: the whole job."""

from sklearn_sfx.cli import main


def test_demo_does_the_whole_job(tmp_path, capsys):
    output = tmp_path / "demo"
    assert main(["demo", "--output", str(output), "--n-frames", "230"]) == 0
    written = {path.name for path in output.iterdir()}
    assert {"run.hits.lst", "run.model.joblib", "run.overview.png", "run.report.html"} <= written
    out = capsys.readouterr().out
    assert "SIMULATED" in out
    assert "MAYBE counted as hit" in out
    assert "frames/s" in out
    assert len((output / "run.scores.csv").read_text().splitlines()) == 31
    assert (output / "run.overview.png").read_bytes().startswith(b"\x89PNG")


def test_demo_leaves_what_is_not_its_own(tmp_path, capsys):
    (tmp_path / "run.h5").write_text("a run of somebody")
    assert main(["demo", "--output", str(tmp_path), "--n-frames", "230"]) == 2
    assert "run.h5: this file is there already" in capsys.readouterr().err
    assert (tmp_path / "run.h5").read_text() == "a run of somebody"
