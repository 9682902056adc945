"""Draw the rooms of the package and count what ties them: ``python docs/rooms.py [PACKAGE]``.

A room is a folder or a module right below the package. Its face is its ``__init__``: other rooms
import from there, and never from a module inside. Without PACKAGE the package beside ``docs`` is
taken, and ``docs/images/rooms.png`` is drawn anew; of another one only the figures are printed.
"""

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parents[1] / "sklearn_sfx"
LONG_MODULE = 400  # lines


class Import(NamedTuple):
    """One import of another module of the package: who, at which line, and what is named."""

    path: Path
    line: int
    room: str
    names: tuple[str, ...]  # below the package: room, module, ...

    @property
    def other_room(self) -> str:
        """The room that is imported from."""
        return self.names[0]

    @property
    def is_past_the_face(self) -> bool:
        """Whether another room is entered by a module inside of it."""
        return self.room != self.other_room and len(self.names) > 1


def modules(package: Path) -> list[Path]:
    """Return every module of the package."""
    return sorted(package.rglob("*.py"))


def room_of(package: Path, path: Path) -> str:
    """Return the room that a module belongs to; "" for the face of the package itself."""
    first = path.relative_to(package).parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


def imports(package: Path) -> Iterator[Import]:
    """Yield every import inside the package, those in functions too."""
    for path in modules(package):
        inside = (package.name, *path.relative_to(package).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for names in _imported(node, inside):
                if names[0] == package.name and len(names) > 1:
                    below = _module_part(package, names[1:])
                    yield Import(path, node.lineno, room_of(package, path), below)


def _imported(node: ast.AST, inside: tuple[str, ...]) -> list[list[str]]:
    if isinstance(node, ast.ImportFrom):
        base = inside[: len(inside) - node.level] if node.level else ()
        module = [*base, *(node.module.split(".") if node.module else [])]
        return [[*module, alias.name] for alias in node.names]
    if isinstance(node, ast.Import):
        return [alias.name.split(".") for alias in node.names]
    return []


def _module_part(package: Path, names: list[str]) -> tuple[str, ...]:
    """Leave out what is the name of a function or class, and no module."""
    place, part = package, []
    for name in names:
        place = place / name
        if not (place.is_dir() or place.with_suffix(".py").is_file()):
            break
        part.append(name)
    return tuple(part or names[:1])


def functions(package: Path) -> Iterator[tuple[int, str]]:
    """Yield the number of lines and the name of each function, without its docstring."""
    for path in modules(package):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = node.body[0]
                is_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
                text = first.end_lineno - first.lineno + 1 if is_text and first.end_lineno else 0
                length = (node.end_lineno or node.lineno) - node.lineno + 1 - text
                yield length, f"{path.relative_to(package)}:{node.name}"


def n_lines(path: Path) -> int:
    """Return the number of lines of a file."""
    return len(path.read_text(encoding="utf-8").splitlines())


def figures(package: Path) -> dict[str, object]:
    """Return what is counted, by its name."""
    found = list(imports(package))
    ties = {(one.room, one.other_room) for one in found if one.room}
    lines = {path: n_lines(path) for path in modules(package)}
    length, name = max(functions(package))
    return {
        "rooms": len({room_of(package, path) for path in lines} - {"", "_version"}),
        "pairs of rooms tied by an import": sum(room != other for room, other in ties),
        "imports past another room's face": sum(one.is_past_the_face for one in found),
        f"modules over {LONG_MODULE} lines": sum(n > LONG_MODULE for n in lines.values()),
        "median lines of a module": sorted(lines.values())[len(lines) // 2],
        "modules": len(lines),
        "lines": sum(lines.values()),
        "longest function, lines without docstring": f"{length} ({name})",
    }


def floors(package: Path) -> dict[str, int]:
    """Return the floor of each room: above every room that it imports from."""
    below: dict[str, set[str]] = {room_of(package, path): set() for path in modules(package)}
    for one in imports(package):
        if one.room != one.other_room:
            below[one.room].add(one.other_room)
    for left_out in ("", "_version"):
        below.pop(left_out, None)
    found: dict[str, int] = {}
    while len(found) < len(below):
        ready = [r for r in below if r not in found and below[r] - {"_version"} <= found.keys()]
        if not ready:
            raise ValueError(
                f"These rooms import each other: {sorted(below.keys() - found.keys())}"
            )
        for room in ready:
            found[room] = 1 + max(
                (found[other] for other in below[room] if other in found), default=0
            )
    return found


def shown_ties(package: Path, floor: dict[str, int]) -> dict[tuple[str, str], int]:
    """Return how many imports tie two rooms, but for ties that follow from others."""
    ties = Counter((one.room, one.other_room) for one in imports(package))
    ties = Counter(
        {(a, b): n for (a, b), n in ties.items() if a != b and a in floor and b in floor}
    )
    below = {room: {b for a, b in ties if a == room} for room in floor}
    reached: dict[str, set[str]] = {}
    for room in sorted(floor, key=floor.__getitem__):
        reached[room] = below[room].union(*(reached[other] for other in below[room]))
    return {
        (a, b): n
        for (a, b), n in ties.items()
        if not any(b in reached[other] for other in below[a])
    }


def draw(package: Path, path: Path) -> None:
    """Draw each room on its floor, and an arrow to what it imports and does not reach otherwise."""
    from matplotlib.figure import Figure

    floor = floors(package)
    lines = Counter[str]()
    for module in modules(package):
        lines[room_of(package, module)] += n_lines(module)
    top = max(floor.values())
    figure = Figure(figsize=(9, 0.95 * top), layout="constrained")
    ax = figure.subplots()
    place: dict[str, tuple[float, float]] = {}
    for level in range(1, top + 1):
        rooms = sorted(room for room in floor if floor[room] == level)
        place |= {room: ((i + 0.5) / len(rooms) * 10, level) for i, room in enumerate(rooms)}
    for (room, other), n in shown_ties(package, floor).items():
        (x, y), (to_x, to_y) = place[room], place[other]
        style = {"arrowstyle": "-|>", "color": "#64748b", "lw": 0.5 + 0.25 * n**0.5}
        style["connectionstyle"] = "arc3,rad=0.15" if y - to_y > 1 else "arc3"
        ax.annotate("", (to_x, to_y + 0.27), (x, y - 0.27), arrowprops=style)
    for room, xy in place.items():
        box = {"boxstyle": "round,pad=0.4", "ec": "#0369a1", "fc": "#e0f2fe"}
        if "." in room or room.startswith("_") or room == "exceptions":
            box["fc"] = "#f8fafc"
        ax.text(*xy, f"{room}\n{lines[room]} lines", ha="center", va="center", bbox=box, fontsize=9)
    ax.set(xlim=(0, 10), ylim=(0.5, top + 0.5))
    ax.set_axis_off()
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    package = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else HERE
    for name, value in figures(package).items():
        print(f"{name:45} {value}")
    if package == HERE:
        draw(package, HERE.parent / "docs" / "images" / "rooms.png")
