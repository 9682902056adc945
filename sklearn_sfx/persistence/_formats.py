"""The number of the format of safe files, and what makes a file of the newest one of an older one.

A new number is due when a file of the old one would not load as it is: a class has another name, or
reads another state and does not know the old one itself. Its step comes into `UPGRADES` here, and
small files that the version before has written into the tests.
"""

import json
from collections.abc import Callable
from io import BytesIO
from zipfile import ZipFile

from sklearn_sfx._names import OLD_NAMES
from sklearn_sfx.persistence._trusted import SCHEMA, nodes, read_member

__all__ = ["FORMAT", "upgraded"]

FORMAT = 2


def upgraded(content: bytes, number: int) -> bytes:
    """Return a file of the newest format that holds what this one of format `number` holds."""
    if number == FORMAT:
        return content
    schema = json.loads(read_member(content, SCHEMA))
    for older in range(number, FORMAT):
        UPGRADES[older](schema)
    files = {node["file"] for node in nodes(schema) if "file" in node}
    packed = BytesIO()
    with ZipFile(BytesIO(content)) as old, ZipFile(packed, "w") as new:
        for name in files:
            new.writestr(name, old.read(name))
        new.writestr(SCHEMA, json.dumps(schema))
    return packed.getvalue()


def _name_the_faces(schema: dict) -> None:
    """Name the classes as the faces of their rooms do: format 1 named the modules behind them."""
    for node in nodes(schema):
        new = OLD_NAMES.get(f"{node['__module__']}.{node['__class__']}")
        if new:
            node["__module__"], _, node["__class__"] = new.rpartition(".")


UPGRADES: dict[int, Callable[[dict], None]] = {1: _name_the_faces}
