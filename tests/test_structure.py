"""The shape of the package: where imports point, what an import costs, which names exist."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import sklearn_sfx

PACKAGE = Path(sklearn_sfx.__file__).parent
ROOMS = [
    "exceptions",
    "_labels",
    "_extras",
    "_files",
    "frames",
    "datasets",
    "_validation",
    "preprocessing",
    "networks",
    "persistence",
    "classifiers",
    "model_selection",
    "inspection",
    "screening",
    "reproduction",
    "cli",
]


def imported_rooms(path):
    """Yield the room of this package that each import of a module names."""
    inside = ("sklearn_sfx", *path.relative_to(PACKAGE).with_suffix("").parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            base = inside[: len(inside) - node.level] if node.level else ()
            target = [*base, *(node.module.split(".") if node.module else [])]
            names = [target] if len(target) > 1 else [[*target, a.name] for a in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        else:
            continue
        for name in names:
            if name[0] == "sklearn_sfx" and len(name) > 1:
                yield name[1]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.name))
def test_imports_point_one_way(path):
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if room in ("__init__", "_version"):
        return
    for other in imported_rooms(path):
        if other in ("_version", room):
            continue
        assert ROOMS.index(other) < ROOMS.index(room), f"{room} may not import {other}"


@pytest.mark.parametrize("statement", ["import sklearn_sfx", "import sklearn_sfx.cli"])
def test_import_is_light(statement):
    heavy = ["torch", "skorch", "h5py", "matplotlib", "numba", "sklearn"]
    code = f"{statement}; import sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_exists():
    for name in sklearn_sfx.__all__:
        assert getattr(sklearn_sfx, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        sklearn_sfx.no_such_name  # noqa: B018


def test_type_checkers_see_every_public_name():
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.asname: statement.module for statement in block.body for alias in statement.names}
    assert seen == sklearn_sfx._HOME


def test_preprocessing_leaves_torch_alone():
    code = "import sklearn_sfx.preprocessing, sys; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
