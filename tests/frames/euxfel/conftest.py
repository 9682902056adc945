"""A corrected run of AGIPD, and what extra_data reads of it."""

import pytest

pytest.importorskip("extra_data", reason="needs the extra [euxfel]")
from extra_data import components

from tests.frames.euxfel.writers import by_extra_data, write_run


@pytest.fixture(scope="module")
def agipd(tmp_path_factory):
    """Return the folder of a corrected run of sixteen modules in two sequences of files."""
    return write_run(tmp_path_factory.mktemp("agipd") / "r0001", "AGIPD")


@pytest.fixture(scope="module")
def expected(agipd):
    return by_extra_data(agipd, components.AGIPD1M, "image.data")
