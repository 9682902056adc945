"""Fixtures that every test folder shares."""

from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data():
    """Return the folder with real frames, labels and masks, which lies beside the checkout."""
    if not SHARED_DATA.is_dir():
        pytest.skip("needs the real frames and labels in ../shared/data, which are not here")
    return SHARED_DATA
