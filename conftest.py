"""The examples in docstrings are collected where they are written."""

import doctest
import inspect

from sklearn_sfx._names import written_in


def pytest_configure():
    """Let what names the face of its room be collected from the module that it is written in.

    Otherwise doctest would take it from the face, without its lines and without its methods.
    """
    is_of_module = doctest.DocTestFinder._from_module

    def is_written_in(self, module, item):
        if inspect.isclass(item) or inspect.isfunction(item):
            return written_in(item) == module.__name__
        return is_of_module(self, module, item)

    doctest.DocTestFinder._from_module = is_written_in
