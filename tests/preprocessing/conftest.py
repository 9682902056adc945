"""Fixtures for the tests of preprocessing."""

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def reference():
    """Return the module with the formulas in plain float64 numpy, which lies beside this file."""
    path = Path(__file__).with_name("reference.py")
    spec = importlib.util.spec_from_file_location("preprocessing_reference", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
