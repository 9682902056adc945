"""What the figures were measured on."""

import os
import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = [
    "sklearn_sfx",
    "numpy",
    "scipy",
    "numba",
    "scikit-learn",
    "joblib",
    "torch",
    "onnxruntime",
    "opencv-python-headless",
    "h5py",
    "hdf5plugin",
]


@dataclass(frozen=True)
class Machine:
    """Processor, cores, load when the run began, versions, and whether the run was quick."""

    processor: str
    cores: int
    load: float
    versions: dict[str, str]
    quick: bool

    @property
    def command(self) -> str:
        """What to type for results of this kind."""
        return "python -m benchmarks.speed --quick --write" if self.quick else "make bench"

    def sentence(self) -> str:
        """Say all of it."""
        versions = ", ".join(f"{name} {number}" for name, number in self.versions.items())
        quick = "A quick run: few repeats, not for quoting. " if self.quick else ""
        return (
            f"{quick}{self.processor}, {self.cores} cores, load {self.load:.1f} when the run "
            f"began; {versions}."
        )


def describe_machine(load: float, quick: bool) -> Machine:
    versions = {"Python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return Machine(_processor(), len(os.sched_getaffinity(0)), load, versions, quick)


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
