"""Loops are compiled where nothing can be kept on disk too."""

import numba.core.caching
import pytest

from sklearn_sfx import _compiled
from sklearn_sfx.cli import main
from sklearn_sfx.exceptions import SlowStartWarning


def test_what_cannot_be_kept_is_compiled_in_memory_and_said_once(monkeypatch):
    monkeypatch.setattr(numba.core.caching.CacheImpl, "_locator_classes", [])
    monkeypatch.setattr(_compiled, "_said", [])
    with pytest.warns(SlowStartWarning, match="NUMBA_CACHE_DIR") as said:
        functions = [_compiled.compiled(error_model="numpy")(half) for _ in range(2)]
    assert len(said) == 1
    assert [function(3) for function in functions] == [1.5, 1.5]


def test_an_interrupt_is_one_however_often_it_is_wrapped(monkeypatch, capsys):
    """As numba does: of Ctrl-C in a loop it makes an error of the system, or a chain of them."""

    def interrupted(args):
        try:
            try:
                raise KeyboardInterrupt
            except KeyboardInterrupt as error:
                raise SystemError("inner") from error
        except SystemError as error:
            raise SystemError("outer") from error

    monkeypatch.setattr("sklearn_sfx.cli.verbs.info.run", interrupted)
    assert main(["info", "run.h5"]) == 130
    assert "interrupted" in capsys.readouterr().err
    assert not _compiled.is_interrupt(SystemError("another"))


def half(value):
    return value / 2
