"""The shape of the package: where imports point, what an import costs, which names exist."""

import ast
import doctest
import inspect
import pickle
import runpy
import subprocess
import sys
import tomllib
import typing
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules, walk_packages

import pytest

import sklearn_sfx
from docs.rooms import LONG_MODULE, imports, modules, n_lines, room_of
from sklearn_sfx._names import written_in

PACKAGE = Path(sklearn_sfx.__file__).parent
ROOMS = [
    "exceptions",
    "_compiled",
    "_names",
    "_stored",
    "_text",
    "_tasks",
    "_tensors",
    "_side_by_side",
    "_labels",
    "_models",
    "_extras",
    "_files",
    "_new_hdf5",
    "_outputs",
    "_intervals",
    "_weights",
    "frames",
    "datasets",
    "_validation",
    "preprocessing",
    "networks",
    "persistence",
    "classifiers",
    "model_selection",
    "_methods",
    "inspection",
    "serving",
    "screening",
    "streams",
    "reproduction",
    "cli",
]


IMPORTS = list(imports(PACKAGE))
KNOWN = {*ROOMS, "_version"}


def test_every_room_has_its_place():
    assert {room_of(PACKAGE, path) for path in modules(PACKAGE)} - {""} == KNOWN


def test_imports_point_one_way():
    order = ["_version", *ROOMS]
    for one in IMPORTS:
        if one.room not in ("", one.other_room):
            assert order.index(one.other_room) < order.index(one.room), one


def test_a_room_is_entered_by_its_face():
    assert [one for one in IMPORTS if one.is_past_the_face] == []


def test_imports_are_of_one_style():
    """By the whole path: relative ones are for the stub, which type checkers want so."""
    for path in modules(PACKAGE):
        tree = ast.parse(path.read_text())
        assert not any(isinstance(n, ast.ImportFrom) and n.level for n in ast.walk(tree)), path


def test_no_module_is_long():
    lines = {path.name: n_lines(path) for path in modules(PACKAGE)}
    assert {name: n for name, n in lines.items() if n > LONG_MODULE} == {}


@pytest.mark.parametrize(
    "statement",
    ["import sklearn_sfx", "from sklearn_sfx.cli import build_parser; build_parser()"],
)
def test_import_is_light(statement):
    heavy = ["torch", "skorch", "h5py", "matplotlib", "numba", "sklearn", "scipy"]
    code = f"{statement}; import sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


FACES = [
    module.name
    for module in iter_modules(sklearn_sfx.__path__, "sklearn_sfx.")
    if module.ispkg and module.name != "sklearn_sfx.cli"
]
FACES.append("sklearn_sfx.datasets.simulation")  # a room in a room


def exported(face):
    """Return the classes and functions in a face that are written behind it."""
    found = vars(import_module(face)).values()
    things = [item for item in found if inspect.isclass(item) or inspect.isfunction(item)]
    return [item for item in things if written_in(item).startswith(f"{face}.")]


@pytest.mark.parametrize("face", FACES)
def test_what_a_face_exports_carries_its_path(face):
    above = {face, *(other for other in FACES if face.startswith(f"{other}."))}
    for item in exported(face):
        assert item.__module__ in above, item
        assert pickle.loads(pickle.dumps(item)) is item
        typing.get_type_hints(item)


def test_no_other_source_is_shown_for_a_class():
    with pytest.raises(OSError):
        inspect.getsource(sklearn_sfx.CNN1D)


@pytest.mark.parametrize("face", FACES)
def test_a_face_lists_what_it_has(face):
    module = import_module(face)
    assert all(hasattr(module, name) for name in module.__all__)


def test_the_top_has_public_names_of_the_rooms():
    tree = ast.parse((PACKAGE / "__init__.pyi").read_text())
    pairs = [(node.module, alias) for node in tree.body for alias in getattr(node, "names", ())]
    assert {alias.name for _, alias in pairs} == set(sklearn_sfx.__all__)
    for room, alias in pairs:
        assert alias.asname == alias.name, "type checkers take it for public so"
        assert room == "_version" or alias.name in import_module(f"sklearn_sfx.{room}").__all__


def test_the_reference_has_every_room_but_the_commands():
    reference = runpy.run_path(PACKAGE.parent / "docs" / "reference.py")
    rooms = {m.name for m in iter_modules(sklearn_sfx.__path__) if not m.name.startswith("_")}
    assert set(reference["HEADINGS"]) == rooms - {"cli", "reproduction", "serving"}
    listed = set(reference["page"]().split())
    assert set(sklearn_sfx.__all__) - {"__version__"} <= listed
    assert {"frames.FrameStep", "networks.Base1D", "screening.Scores"} <= listed


def test_examples_are_collected_once():
    finder = doctest.DocTestFinder()
    names = [module.name for module in walk_packages(sklearn_sfx.__path__, "sklearn_sfx.")]
    found = [
        test.name
        for name in names
        if not name.endswith("__main__")
        for test in finder.find(import_module(name))
        if test.examples
    ]
    assert len(found) == len(set(found))
    for face in FACES:
        for item in exported(face):
            if ">>>" in (item.__doc__ or ""):
                assert f"{written_in(item)}.{item.__name__}" in found
                assert f"{face}.{item.__name__}" not in found


def test_what_is_no_python_is_installed_too():
    tools = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["tool"]
    patterns = tools["setuptools"]["package-data"]["sklearn_sfx"]
    wanted = {
        path
        for path in PACKAGE.rglob("*")
        if path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts
    }
    assert {path.name for path in wanted} >= {"py.typed", "__init__.pyi"}
    assert wanted <= {path for pattern in patterns for path in PACKAGE.glob(pattern)}


def test_every_public_name_exists():
    for name in sklearn_sfx.__all__:
        assert getattr(sklearn_sfx, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        sklearn_sfx.no_such_name  # noqa: B018


def test_preprocessing_leaves_torch_alone():
    code = "import sklearn_sfx.preprocessing, sys; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
