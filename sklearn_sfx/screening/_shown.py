"""What the results of a screening look like in a console, and in a notebook."""

from __future__ import annotations

from html import escape
from typing import Protocol

__all__ = ["Shown"]


class _HasFacts(Protocol):
    def _facts(self) -> dict[str, str]: ...


class Shown:
    """Base of what is shown by a few facts: names and short texts, of `_facts`.

    Examples
    --------
    >>> from sklearn_sfx.screening._shown import Shown
    >>> class Run(Shown):
    ...     def _facts(self):
    ...         return {"frames": "200", "hits": "36 (18.0 %)"}
    >>> Run()
    Run
      frames: 200
      hits: 36 (18.0 %)
    >>> print(Run()._repr_html_()[:30])
    <table><caption>Run</caption><
    """

    def __repr__(self: _HasFacts) -> str:
        lines = [f"  {name}: {said}" for name, said in self._facts().items()]
        return "\n".join([type(self).__name__, *lines])

    def _repr_html_(self: _HasFacts) -> str:
        """Return the same as a table, which notebooks show."""
        rows = (
            f'<tr><th style="text-align: left">{escape(name)}</th>'
            f'<td style="text-align: left">{escape(said)}</td></tr>'
            for name, said in self._facts().items()
        )
        caption = f"<caption>{escape(type(self).__name__)}</caption>"
        return f"<table>{caption}<tbody>{''.join(rows)}</tbody></table>"
