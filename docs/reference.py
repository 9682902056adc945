"""Write the reference: a section for each room, with every name that its face lists as public."""

from importlib import import_module

import sklearn_sfx

# The sections in their order. The rooms behind the commands have none.
HEADINGS = {
    "frames": "Runs",
    "datasets": "Data sets",
    "preprocessing": "Preprocessing",
    "classifiers": "Classifiers",
    "model_selection": "Model selection",
    "screening": "Screening",
    "streams": "Beside a running beam",
    "persistence": "Models on disk",
    "inspection": "Pictures",
    "networks": "Networks",
    "exceptions": "Errors and warnings",
}
INTRODUCTION = """\
# API reference

What a pipeline is made of comes from `sklearn_sfx` itself, as in `from sklearn_sfx import CNN1D`.
Names with a room before them, such as `datasets.match_labels`, come from there.
"""
SECTION = """
## {heading}

```{{eval-rst}}
.. automodule:: sklearn_sfx.{room}
   :no-members:

.. currentmodule:: sklearn_sfx

.. autosummary::
   :toctree: api/generated
   :nosignatures:

{names}
```
"""


def public_names(room: str) -> list[str]:
    """Return the public names of a room: those at the top of the package, then ``room.name``."""
    listed = import_module(f"sklearn_sfx.{room}").__all__
    top = [name for name in listed if name in sklearn_sfx.__all__]
    return top + [f"{room}.{name}" for name in listed if name not in top]


def page() -> str:
    """Return the text of the page, in Markdown."""
    sections = [
        SECTION.format(heading=heading, room=room, names=_indented(public_names(room)))
        for room, heading in HEADINGS.items()
    ]
    return "".join([INTRODUCTION, *sections])


def _indented(names: list[str]) -> str:
    return "\n".join(f"   {name}" for name in names)
