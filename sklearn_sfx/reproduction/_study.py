"""What is reproduced, and where what is done of it is kept."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sklearn_sfx._version import __version__
from sklearn_sfx.reproduction._runs import NAMES, RunFiles
from sklearn_sfx.reproduction._scale import Scale

__all__ = ["Study"]

# Raised when what is computed changes within one version of the package.
REVISION = 2


@dataclass(frozen=True)
class Study:
    """One reproduction: its data, its size and its choices.

    Attributes
    ----------
    cache : Path
        Folder of what is done.
    scale : Scale
        Its size.
    maybe : {"hit", "miss", "drop"}
        What a MAYBE counts as.
    sequential : bool
        Whether runs are split in their order.
    files : tuple of RunFiles, or None
        The real runs; None simulates them.
    """

    cache: Path
    scale: Scale
    maybe: str = "hit"
    sequential: bool = False
    files: tuple[RunFiles, ...] | None = None

    @property
    def simulated(self) -> bool:
        """Whether no real frame takes part."""
        return self.files is None

    def real(self, name: str) -> RunFiles | None:
        """Return the files of a real run."""
        return next((run for run in self.files or () if run.name == name), None)

    def run_folder(self, name: str, seed: int) -> Path:
        """Return where a prepared run is kept; each seed simulates its own."""
        seed = seed if self.simulated else 0
        return self.cache / "runs" / f"{name}-{seed}-{self._digest(name, seed)}"

    def network_path(self, experiment: str, where: tuple[str, ...], seed: int) -> Path:
        """Return where a trained network is kept."""
        return self.cache / "networks" / f"{self._name(experiment, where, seed)}.joblib"

    def cell_path(self, experiment: str, where: tuple[str, ...], seed: int) -> Path:
        """Return where the outcome of a cell is kept."""
        return self.cache / "cells" / f"{self._name(experiment, where, seed)}.json"

    def _name(self, experiment: str, where: tuple[str, ...], seed: int) -> str:
        choices = [experiment, list(where), seed, self.maybe, self.sequential]
        return "-".join([experiment, *where, str(seed), self._digest(*choices)])

    def _digest(self, *more: Any) -> str:
        """Hash all that an outcome depends on."""
        real = [self.real(name) for name in NAMES]
        files = [run.fingerprint() for run in real if run] if self.files else "simulated"
        inputs = [__version__, REVISION, asdict(self.scale), files, *more]
        return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()[:12]
