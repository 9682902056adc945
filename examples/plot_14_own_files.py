"""
Files of your own
=================

From files on disk to a hit list and a report, with no label and no setting: put the path of your
own run where ``path`` is set, and leave the rest as it is. ``pip install 'sklearn_sfx[plot]'``
brings what is needed. Until you do, the file is a SIMULATED one, written here.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt

from sklearn_sfx import FrameDisplay, make_sfx_frames, open_frames, screen
from sklearn_sfx.datasets import write_run
from sklearn_sfx.screening import run_info, untrained_model, write_report

folder = Path(tempfile.mkdtemp())
path = folder / "run.h5"  # your own: "/data/r0095.cxi", "/data/r0095_*.h5", a list of files, ...
if not path.exists():
    write_run(path, make_sfx_frames(24, frame_shape=(400, 400), hit_rate=0.4, random_state=0))

# %%
# What is it?
# -----------
#
# Frames, mask, beam, distance, and the part that will be looked at: what ``sfx info`` says. A
# detector of several modules takes its geometry, ``open_frames(path, geometry="det.geom")``.

frames = open_frames(path)
print(run_info(frames))

# %%
# Which frames are hits?
# ----------------------
#
# Six Bragg spots or more, until labels of your own say otherwise. The hit list goes to CrystFEL,
# and the report is a page for your browser: what ``sfx screen run.h5 --report`` writes.

model = untrained_model(frames)
scores = screen(model, frames)
scores.write_hits(folder / "run.hits.lst")
write_report(folder / "run.report.html", model, frames, scores)
print(f"{int(scores.decision.sum())} of {len(frames)} frames are hits: see {folder}")

# %%
# The surest hit
# --------------

display = FrameDisplay.from_frames(frames, index=int(scores.probability.argmax()))
display.ax_.set_title("the surest hit (SIMULATED, until the path is that of your own)")
plt.show()
