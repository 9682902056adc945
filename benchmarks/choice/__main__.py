"""Measure: ``python -m benchmarks.choice --cache FOLDER`` in the root of a checkout."""

import os

# Read when the libraries load, so this stands before their imports: processes share the cores.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"

from .command import main  # noqa: E402

main()
