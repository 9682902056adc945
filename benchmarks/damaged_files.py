"""Damage files of every layout of HDF5, and see that nothing wrong is read of them.

Each mutant of a run (bits turned, bytes overwritten, numbers made large, blocks zeroed, files cut
or removed) is opened and read in a process of its own, with little memory and little time. It is
counted by what came of it:

- right: the frames as they were written, NaN in place of some, or fewer of them at the end;
- refused: one sentence;
- like h5py: other numbers, the very ones that h5py reads (of what has no checksum);
- unseen in a crop: a wrong crop of a gzip chunk of which h5py refuses the whole, as documented;
- wrong, crash, slow, traceback: faults.

The runs are those of the tests. `--mutants` counts for each layout.

    python -m benchmarks.damaged_files --mutants 200 --seed 0
"""

import argparse
import importlib.util
import os
import pickle
import resource
import select
import shutil
import signal
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from sklearn_sfx import CentralCrop, InputError, open_frames, read_mask

TESTS = Path(__file__).parents[1] / "tests" / "frames"
SHAPE = (5, 24, 20)
MEMORY, SECONDS = 1 << 30, 20
FAULTS = ("wrong", "crash", "slow", "traceback")


def layouts() -> dict[str, Callable]:
    """Return what writes a run of each layout, by its name."""
    found = {}
    for path, name in (
        (TESTS / "conftest.py", "WRITERS"),
        (TESTS / "hdf5/conftest.py", "FACILITIES"),
    ):
        spec = importlib.util.spec_from_file_location(f"runs_{name}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found |= getattr(module, name)
    return found


# -- Damage ---------------------------------------------------------------------------------------


def turn_a_bit(data: bytearray, random: np.random.Generator) -> None:
    """Turn one bit over."""
    data[random.integers(len(data))] ^= 1 << int(random.integers(8))


def overwrite(data: bytearray, random: np.random.Generator) -> None:
    """Put some bytes of any value in the place of others."""
    start, n = int(random.integers(len(data))), int(random.integers(1, 33))
    n = min(n, len(data) - start)
    data[start : start + n] = random.bytes(n)


def make_a_number_large(data: bytearray, random: np.random.Generator) -> None:
    """Put a number there that is large, or larger than there are bytes, or nought."""
    numbers = [0, 1, 2**16, 2**31, 2**32 - 1, 2**40, 2**63, 2**64 - 1, len(data), 3 * len(data)]
    width = int(random.choice([2, 4, 8]))
    start = int(random.integers(max(1, len(data) - width)))
    value = numbers[int(random.integers(len(numbers)))] % 2 ** (8 * width)
    data[start : start + width] = value.to_bytes(width, "little")


def clear(data: bytearray, random: np.random.Generator) -> None:
    """Put zeros in the place of a block, as a disk does that has lost it."""
    start, n = int(random.integers(len(data))), int(random.choice([16, 128, 512]))
    data[start : start + n] = bytes(min(n, len(data) - start))


def repeat(data: bytearray, random: np.random.Generator) -> None:
    """Put other bytes of the file there."""
    n = int(random.integers(1, 65))
    start, other = (int(random.integers(max(1, len(data) - n))) for _ in range(2))
    data[start : start + n] = data[other : other + n]


def cut(data: bytearray, random: np.random.Generator) -> None:
    """Leave the end out."""
    del data[int(random.integers(len(data))) :]


DAMAGE = (*[turn_a_bit, overwrite, make_a_number_large] * 3, clear, repeat, cut)


def damage(folder: Path, random: np.random.Generator) -> str:
    """Damage one file of a folder, and return what was done."""
    files = sorted(folder.iterdir())
    sizes = np.array([file.stat().st_size for file in files], float)
    path = files[random.choice(len(files), p=sizes / sizes.sum())]
    if len(files) > 1 and random.random() < 0.03:
        path.unlink()
        return f"removed {path.name}"
    data = bytearray(path.read_bytes())
    done = []
    for _ in range(int(random.choice([1, 1, 2, 4]))):
        kind = DAMAGE[int(random.integers(len(DAMAGE)))]
        if data:
            kind(data, random)
            done.append(kind.__name__)
    path.write_bytes(data)
    return f"{', '.join(done)} in {path.name}"


# -- Reading, in a process that may not come back ------------------------------------------------


def read_ours(path: Path) -> dict:
    """Open and read a run in every way; return frames, crops and the datasets that they are in."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frames = open_frames(path, missing="nan")
        _ = frames.facts, frames.unreadable, repr(frames)
        names = [(origin.path, origin.event) for origin in frames[:64].sources]
        if len(frames) > 10_000:
            raise InputError("So many frames are not read here.")
        whole = np.asarray(frames)
        crops = CentralCrop(8).fit_transform(frames) if min(frames.shape[1:]) >= 8 else frames
        _ = frames.metadata
        found = {"whole": whole, "crops": np.asarray(crops), "names": names}
        try:
            mask = read_mask(path, bad_bits="any")
            np.asarray(mask[:10_000] if mask.ndim == 3 else mask)
        except InputError:
            pass
        return found


def read_h5py(path: Path, shape: tuple[int, ...]) -> list[np.ndarray]:
    """Return every frame of this shape, or stack of modules, that h5py reads of a file."""
    found = []
    with h5py.File(path, "r", locking=False) as file:
        names: list[str] = []
        file.visit_links(names.append)
        for item in (safely(file.get, name) for name in names):
            if not isinstance(item, h5py.Dataset) or item.ndim < 2 or not 0 < item.size < 1e7:
                continue
            images = [safely(item.__getitem__, index) for index in np.ndindex(item.shape[:-2])]
            n_modules = max(1, shape[1] // item.shape[-2])
            for start in range(0, len(images) - n_modules + 1, n_modules):
                modules = images[start : start + n_modules]
                if all(module is not None for module in modules):
                    found.append(np.concatenate(modules))
    return [frame for frame in found if frame.shape == shape[1:]]


def safely(function: Callable, *arguments: object) -> object:
    """Return what a function returns, None if it fails."""
    try:
        return function(*arguments)
    except Exception:
        return None


def alone(function: Callable, *arguments: object) -> tuple[str, object]:
    """Run a function in a child with limits; return how it ended, and what it returned."""
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(receiving)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        virtual = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (virtual + MEMORY, virtual + MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        try:
            answer = ("read", function(*arguments))
        except InputError as error:
            text = str(error)
            one = text.endswith(".") and "\n" not in text
            answer = ("refused" if one else "traceback", text)
        except BaseException as error:
            answer = ("traceback", f"{type(error).__name__}: {error}")
        with open(sending, "wb") as pipe:
            pickle.dump(answer, pipe)
        os._exit(0)
    os.close(sending)
    data = bytearray()
    with open(receiving, "rb") as pipe:
        while True:
            if not select.select([pipe], [], [], SECONDS)[0]:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                return "slow", None
            part = os.read(pipe.fileno(), 1 << 20)
            if not part:
                break
            data += part
    _, status = os.waitpid(child, 0)
    if not data or not os.WIFEXITED(status):
        return "crash", os.WTERMSIG(status) if os.WIFSIGNALED(status) else status
    return pickle.loads(bytes(data))


# -- What came of it ------------------------------------------------------------------------------


def same(values: np.ndarray, expected: np.ndarray) -> bool:
    """Whether all values that are not NaN are those expected."""
    if values.shape != expected.shape:
        return False
    there = ~np.isnan(values)
    return bool(np.array_equal(values[there], expected[there].astype(np.float32)))


def verdict(path: Path, written: np.ndarray) -> tuple[str, str]:
    """Read a damaged run, and return what came of it."""
    how, found = alone(read_ours, path)
    if how != "read":
        return how, str(found)
    whole, crops = found["whole"], found["crops"]
    n = min(len(whole), len(written))
    cropped = CentralCrop(8).fit_transform(written.astype(np.float32))
    if whole.shape[1:] == written.shape[1:] and len(whole) <= len(written):
        whole_right = [same(whole[i], written[i]) for i in range(n)]
        if all(whole_right) and same(crops, cropped[:n]):
            return "right", ""
        if all(np.isnan(whole[i]).all() or whole_right[i] for i in range(n)):
            return "unseen in a crop", ""
    how, theirs = alone(read_h5py, path, whole.shape)
    if how != "read":
        return "like h5py", f"which itself ended with: {how} {theirs}"
    for number, frame in enumerate(whole):
        right = number < n and same(frame, written[number])
        if not right and not any(same(frame, other) for other in theirs):
            return "wrong", f"frame {number} of {whole.shape}"
    return "like h5py", ""


def run_layout(
    name: str, write: Callable, n_mutants: int, seed: int, say: Callable[[str], object]
) -> Counter:
    """Make mutants of one layout, and count what came of them."""
    counts: Counter = Counter()
    written = np.random.default_rng(1).poisson(30, SHAPE).astype(np.int16)
    with tempfile.TemporaryDirectory() as top:
        whole, mutant = Path(top) / "whole", Path(top) / "mutant"
        whole.mkdir()
        write(whole / "run.h5", written)
        for number in range(n_mutants):
            shutil.rmtree(mutant, ignore_errors=True)
            shutil.copytree(whole, mutant)
            random = np.random.default_rng([seed, number, *name.encode()])
            done = damage(mutant, random)
            came, why = verdict(mutant / "run.h5", written)
            counts[came] += 1
            if came in FAULTS:
                say(f"{name}, mutant {number} ({done}): {came} {why}")
    return counts


def main() -> int:
    """Make the mutants that are asked for, and print a table; return 1 if there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mutants", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--layouts", nargs="*", default=None)
    args = parser.parse_args()
    total: Counter = Counter()
    warm_up()
    for name, write in layouts().items():
        if args.layouts and name not in args.layouts:
            continue
        counts = run_layout(name, write, args.mutants, args.seed, print)
        total += counts
        print(in_words(name, counts), flush=True)
    print(in_words("all", total))
    return int(any(total[fault] for fault in FAULTS))


def in_words(name: str, counts: Counter) -> str:
    """Return one line of the table."""
    return f"{name:24}" + ", ".join(f"{n} {what}" for what, n in counts.most_common())


def warm_up() -> None:
    """Compile what children would otherwise compile each for itself."""
    frames = open_frames(np.ones((1, 24, 20), np.int16), missing="nan")
    np.asarray(CentralCrop(8).fit_transform(frames))
    with tempfile.TemporaryDirectory() as top:
        path = Path(top) / "run.h5"
        import hdf5plugin

        for dtype in ("i2", "u4", "u1"):
            for codec in ("lz4", "zstd", "none"):
                with h5py.File(path, "w") as file:
                    file.create_dataset(
                        "data",
                        data=np.ones((1, 24, 20), dtype),
                        chunks=(1, 24, 20),
                        **hdf5plugin.Bitshuffle(cname=codec),
                    )
                np.asarray(open_frames(path))


if __name__ == "__main__":
    sys.exit(main())
