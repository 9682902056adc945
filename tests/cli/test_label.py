"""``sfx label``: the page it writes."""


def test_the_command_writes_it_and_says_so(sfx, tmp_path, capsys):
    page = tmp_path / "label.html"
    assert sfx("label", "--crop", 120, "--page", page, "--n-frames", 12) == 0
    assert f"{page}: 12 of 90 frames" in capsys.readouterr().out
    assert "SIMULATED" in page.read_text()
    assert page.read_text().count("data:image/png") == 12
