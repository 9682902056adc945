"""Frames of two modules and their geometry, which tests write in odd ways."""

import numpy as np

HEAD = "photon_energy = 9000 eV\nclen = 0.1\nres = 10000\nadu_per_photon = 1\n"
ROWS, COLUMNS = 6, 8
FRAMES = np.random.default_rng(0).integers(1, 1000, (3, 2, ROWS, COLUMNS)).astype(np.uint16)
# Corner, and steps along fs and ss, as (x, y).
PLACES = {
    "p0": ((-8.3, -6.2), (0.0, 1.0), (-1.0, 0.0)),
    "p1": ((1.4, 9.1), (-0.02, -0.99), (0.98, -0.03)),
}


def panels(number="dim1", first_row=0, ends=""):
    lines = []
    for module, (name, (corner, fs, ss)) in enumerate(PLACES.items()):
        start = module * first_row
        keys = {
            "min_fs": 0,
            "max_fs": COLUMNS - 1,
            "min_ss": start,
            "max_ss": start + ROWS - 1,
            "corner_x": corner[0],
            "corner_y": corner[1],
            "fs": f"{fs[0]:+}x {fs[1]:+}y {ends}",
            "ss": f"{ss[0]:+}x {ss[1]:+}y {ends}",
        }
        keys |= {number: module} if number else {}
        lines += [f"{name}/{key} = {value}" for key, value in keys.items()]
    return "\n".join(lines) + "\n"


STACKED = "data = /data\ndim0 = %\ndim2 = ss\ndim3 = fs\n" + panels()
