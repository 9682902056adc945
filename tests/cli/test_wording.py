"""Messages in the words of the command: none that reaches it reads as Python."""

import ast
import re
from pathlib import Path

import pytest

import sklearn_sfx
from sklearn_sfx.cli._wording import SAID_AS_PYTHON, in_words_of_the_command

PACKAGE = Path(sklearn_sfx.__file__).parent
# What the verbs call; all else speaks to who writes Python.
REACHED = ("frames", "screening", "persistence", "_outputs.py", "_files.py", "_methods.py")
REACHED += ("preprocessing/_crop.py", "preprocessing/_mask.py", "datasets/_annotation.py")
REACHED += ("datasets/_make.py", "datasets/simulation/_source.py")
REACHED += ("classifiers/_training.py", "classifiers/_base.py")
# Checked before by the options, or of objects that no option makes.
NOT_REACHED = (
    "mask=True says nothing",
    "Frames are indexed by frame only",
    "center=",
    "CentralCrop(center='beam')",
    "run_info describes Frames",
    "PixelMask(detect=True) got",
    "compression must be",
    "hit_finder makes one method",
    "mask must be an array of bools",
    "PixelMask needs a bool mask",
    "These frames come from no file",
    "7: class_weight=",
    "7(compile=True)",
    "7 goes on with",
    "There are no labels beside the run",
    "The mask 7, which 7 names, lies in the file of the frames, and these are in memory",
)
READS_AS_PYTHON = re.compile(r"\b\w+\([^)]*=|\b\w+=(?!\d*\.\d)|~\w|\bnp\.|open_frames|read_mask")


def reads_as_python(message):
    """Return what in a message is for who writes Python; a weight of a label is none of it."""
    return READS_AS_PYTHON.search(message.replace("weight=", "weight "))


def text_of(node):
    """Return the text of a message, with 7 for what is filled in."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) for part in node.values)
    if isinstance(node, ast.BinOp):
        return text_of(node.left) + text_of(node.right)
    return "7"


def messages():
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.relative_to(PACKAGE).as_posix().startswith(REACHED):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and node.args:
                    name = ast.unparse(node.func)
                    if name.endswith(("Error", "warn", "UnreadableFrame", "UnfinishedScreening")):
                        yield text_of(node.args[0])


def test_no_message_that_may_reach_the_command_reads_as_python():
    said = [in_words_of_the_command(message) for message in messages()]
    assert len(said) > 200
    python = [text for text in said if reads_as_python(text)]
    assert [text for text in python if not text.startswith(NOT_REACHED)] == []


@pytest.mark.parametrize(
    ("python", "command"),
    [
        ("turn it over with ~mask, or say good_bits or bad_bits to read_mask.", "--bad-bits any"),
        (
            "x has several arrays; name one of them, as in open_frames(path, dataset=...).",
            "with --d",
        ),
        (
            "CentralCrop(size=724) needs frames of 800; choose a smaller size.",
            "724 pixels (--crop)",
        ),
        ("device='cuda', but torch finds no GPU here", "--device cuda, but"),
    ],
)
def test_it_is_said_in_options(python, command):
    assert reads_as_python(python)
    said = in_words_of_the_command(python)
    assert command in said
    assert not reads_as_python(said)


def test_no_row_of_the_table_is_left_over():
    everything = " ".join(" ".join(messages()).split())
    unused = [row for row in SAID_AS_PYTHON if not re.search(row, everything)]
    assert unused == []
