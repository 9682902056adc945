"""What keeps the repository in order: versions that agree, and links that lead somewhere."""

import re
import tomllib
from itertools import chain
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]


def pins(name):
    """Return the version of each package in a file of constraints, by its name in small letters."""
    lines = (TOP / name).read_text().splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {name.lower().replace("_", "-"): version for name, version in pairs}


def least_versions():
    """Return the lower bound of each dependency, those of extras too."""
    every = chain(PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    found = (re.match(r"([\w-]+)>=([\d.]+)", line) for line in every)
    return {match[1].lower().replace("_", "-"): match[2] for match in found if match}


OLDEST = sorted(least_versions().items())
TOOLS = {"ruff", "mypy", "opencv-python-headless", "sphinx", "pydata-sphinx-theme"}
TOOLS |= {"myst-parser", "sphinx-gallery"}  # of the developers, always the newest


@pytest.mark.parametrize(("name", "version"), OLDEST, ids=[name for name, _ in OLDEST])
def test_the_oldest_version_is_the_one_that_is_tried(name, version):
    if name not in TOOLS:
        tried = pins("constraints-oldest.txt")[name].split(".")
        assert tried[: len(version.split("."))] == version.split(".")


@pytest.mark.parametrize("name", [name for name, _ in OLDEST])
def test_every_dependency_is_pinned(name):
    assert name in pins("constraints.txt")


def test_every_dependency_is_justified():
    page = (TOP / "docs" / "dependencies.md").read_text()
    for name, _ in OLDEST:
        assert re.search(rf"\b{re.escape(name)}\b", page), f"say why {name} is needed"


def test_ruff_is_one_version():
    lint = PROJECT["optional-dependencies"]["lint"]
    (pinned,) = [line.removeprefix("ruff==") for line in lint if line.startswith("ruff==")]
    hooks = (TOP / ".pre-commit-config.yaml").read_text()
    assert f"rev: v{pinned} " in hooks
    assert pins("constraints.txt")["ruff"] == pinned


def test_what_must_pass_before_a_change_lands():
    commands = (TOP / ".ci" / "run").read_text().splitlines()
    assert {"make lint", "make test"} <= set(commands)


PAGES = [TOP / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")]


@pytest.mark.parametrize("page", [*PAGES, *(TOP / "docs").glob("*.md")], ids=lambda p: p.name)
def test_links_to_files_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())
    made = ("auto_examples/", "api/", "api.md")  # when the manual is built
    for link in links:
        if "://" not in link and not link.startswith(made):
            assert (page.parent / link).exists(), link
