"""The folder of verbs: what each brings, and how they are found."""

from pathlib import Path

import pytest

from sklearn_sfx.cli import build_parser, verbs
from sklearn_sfx.cli._parser import find_verbs

FILES = {path.stem for path in Path(verbs.__file__).parent.glob("*.py")} - {"__init__"}


def test_every_file_is_a_verb_and_they_go_by_the_work():
    found = find_verbs()
    assert set(found) == FILES
    first = ["simulate", "label", "train", "screen", "evaluate"]
    assert [name for name in found if name in first] == first
    assert len({verb.ORDER for verb in found.values()}) == len(found)


def test_a_new_verb_is_one_file(tmp_path, monkeypatch, capsys):
    (tmp_path / "count.py").write_text(
        '"""Count."""\n\nSUMMARY, ORDER = "count to N", 43\n'
        'EXAMPLES = ("sfx count 3",)\n\n\n'
        "def add_options(parser):\n    parser.add_argument('n', type=int)\n\n\n"
        "def run(args):\n    print(*range(1, args.n + 1))\n"
    )
    monkeypatch.setattr(verbs, "__path__", [*verbs.__path__, str(tmp_path)])
    names = list(find_verbs())
    assert names.index("merge") + 1 == names.index("count") == names.index("watch") - 1
    args = build_parser().parse_args(["count", "3"])
    args.run_verb(args)
    assert capsys.readouterr().out == "1 2 3\n"


def shown(capsys, *arguments):
    with pytest.raises(SystemExit):
        build_parser().parse_args([*arguments, "--help"])
    return " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("name", sorted(FILES))
def test_help_shows_what_a_verb_says_of_itself(name, capsys):
    verb = find_verbs()[name]
    assert f"{name} {verb.SUMMARY}" in shown(capsys)
    assert " ".join(verb.__doc__.split()) in shown(capsys, name)
