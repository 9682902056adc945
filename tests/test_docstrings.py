"""Every public name says what it takes, gives and raises, and shows it in a doctest."""

import ast
import inspect
import re
import runpy
import textwrap
from importlib import import_module
from itertools import chain
from pathlib import Path
from types import FunctionType

import pytest
from numpydoc.docscrape import get_doc_object
from numpydoc.validate import validate
from torch.nn import Module

import sklearn_sfx

# What numpydoc's validation asks and is not asked here, of whatever name.
LEFT_OUT = {
    "ES01",  # where the summary says it all there is nothing to extend
    "EX01",  # asked below: the example of a method may stand in its class
    "RT02",  # a returned value may have a name, as scikit-learn's have
    "SA01",  # not everything has a relative
}
ARRAY = re.compile(r"ndarray|array-like|Frames|Tensor|tensor")
SHAPE = re.compile(r"shape|\(n|As given")
DTYPE = re.compile(r"bool|int|float|str|dtype|object|Axes|given")
# A method that calls others, and so shows them too.
CALLS = {
    "fit_transform": {"fit", "transform"},
    "score": {"predict"},
    "from_estimator": {"plot"},
    "from_predictions": {"plot"},
}


def is_ours(item):
    return getattr(item, "__module__", "").startswith("sklearn_sfx")


def public_names():
    """Return the names at the top, and those that the faces list; ``room.Name`` for the others."""
    reference = runpy.run_path(Path(__file__).parents[1] / "docs" / "reference.py")
    listed = [reference["public_names"](room) for room in reference["HEADINGS"]]
    return sorted({*chain(*listed), *sklearn_sfx.__all__} - {"__version__"})


def public(name):
    room, _, last = name.rpartition(".")
    return getattr(import_module(f"sklearn_sfx.{room}".rstrip(".")), last)


def public_objects():
    """Return name, class or None, and object: public names, and public methods of our own."""
    found = []
    for name in public_names():
        item = public(name)
        found.append((name, None, item))
        for key in dir(item) if inspect.isclass(item) else ():
            member = inspect.getattr_static(item, key)
            method = getattr(item, key)
            if key.startswith("_") or not isinstance(member, FunctionType | classmethod | property):
                continue
            if is_ours(member.fget if isinstance(member, property) else method):
                found.append((f"{name}.{key}", item, method))
    return found


OBJECTS = public_objects()
of_each = pytest.mark.parametrize(("name", "owner", "item"), OBJECTS, ids=[o[0] for o in OBJECTS])


def exceptions_of(item, owner, seen):
    """Return the names of what a function raises, itself or through functions of the package."""
    function = inspect.unwrap(getattr(item, "fget", None) or getattr(item, "__func__", item))
    is_written = isinstance(function, FunctionType) and "<" not in function.__code__.co_filename
    if not (is_written and is_ours(function)) or (function, owner) in seen:
        return set()
    seen.add((function, owner))
    raised = set()
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function)))):
        match node:
            case ast.Raise(exc=ast.Call(func=ast.Name(id=name))):
                raised.add(public_name(name, function))
            case ast.Call(func=ast.Name(id=name)):
                called = function.__globals__.get(name)
                if inspect.isclass(called):
                    raised |= exceptions_of(called.__init__, called, seen)
                else:
                    raised |= exceptions_of(called, None, seen)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name)):
                raised |= exceptions_of(getattr(owner, name, None), owner, seen)
    return raised


def public_name(name, function):
    """Return the name of an exception as users know it; a private one goes by its base."""
    error = function.__globals__.get(name)
    while is_ours(error) and error.__module__ != "sklearn_sfx.exceptions":
        error = error.__base__
    return name if error is None else error.__name__


def examples(item):
    """Return the code of the examples of a docstring."""
    lines = get_doc_object(item)["Examples"]
    return "\n".join(line for line in lines if line.lstrip().startswith((">>>", "...")))


@of_each
def test_is_numpydoc(name, owner, item):
    # A protocol is not made, so it has no parameters of its own.
    left_out = LEFT_OUT | ({"PR01"} if getattr(item, "_is_protocol", False) else set())
    errors = validate(get_doc_object(item))["errors"]
    assert [error for error in errors if error[0] not in left_out] == []


@of_each
def test_shows_itself(name, owner, item):
    shown = examples(item)
    if owner is None or shown:
        assert ">>>" in shown
        return
    used = set(re.findall(r"(?:\.|def )(\w+)", examples(owner)))
    if issubclass(owner, Module):
        used.add("forward")  # what is called when the module is
    used |= {called for method in used for called in CALLS.get(method, ())}
    assert name.rpartition(".")[2] in used, "neither its docstring nor that of its class uses it"


@of_each
def test_says_shapes_and_dtypes(name, owner, item):
    doc = get_doc_object(item)
    for section in ("Parameters", "Attributes", "Returns", "Yields"):
        for entry in doc[section]:
            said = " ".join([entry.name, entry.type, *entry.desc])
            if ARRAY.search(entry.type or entry.name):
                assert SHAPE.search(said), f"{said}: of which shape?"
                assert section == "Parameters" or DTYPE.search(said), f"{said}: of which dtype?"


@of_each
def test_says_what_it_raises(name, owner, item):
    is_class = inspect.isclass(item)
    raised = exceptions_of(item.__init__ if is_class else item, item if is_class else owner, set())
    assert raised <= {entry.type for entry in get_doc_object(item)["Raises"]}


@pytest.mark.parametrize("name", [name for name, _, item in OBJECTS if hasattr(item, "fit")])
def test_estimator_names_its_source(name):
    doc = get_doc_object(public(name))
    assert doc["References"] or doc["Notes"], "whose method is it, or, if its own, how does it work"
