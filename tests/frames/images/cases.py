"""Which formats of images another library can write."""

from benchmarks.damage.cases import CASES

IMAGES = [name for name in CASES if not name.startswith(("np", "euxfel"))]
