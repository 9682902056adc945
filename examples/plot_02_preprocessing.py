"""
Preprocessing, step by step
===========================

What each step makes of a hit and of a miss, on SIMULATED frames: masking, cropping, global and
local contrast normalization (GCN, LCN), and row-wise decomposition (RWD).
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline

from sklearn_sfx import (
    GCN,
    LCN,
    CentralCrop,
    FrameDisplay,
    PixelMask,
    RowProfileDisplay,
    RowWiseDecomposition,
    make_sfx_frames,
)

run = make_sfx_frames(60, frame_shape=(200, 200), hit_rate=0.5, random_state=1)
hit, miss = int(np.argmin(np.abs(run.spot_count - 40))), int(np.argmin(run.spot_count))
print(run.spot_count[[hit, miss]], "visible spots in the hit and in the miss")

# %%
# Every step is a transformer, and lazy on a run
# ----------------------------------------------
#
# ``transform`` reads nothing: it gives a run with one more step, and the steps are fused into one
# pass over each frame, which runs when pixels are asked for. ``PixelMask`` alone looks at frames
# in ``fit``, to find defective pixels.

chain = make_pipeline(
    PixelMask(detect=True), CentralCrop(160), GCN(), LCN(5), RowWiseDecomposition()
)
vectors = chain.fit_transform(run.data)
print(vectors)

# %%
# What they do
# ------------
#
# GCN brings all frames to the same brightness and spread, so that the intensity of a pulse no
# longer matters. LCN takes away what changes slowly: the solvent ring, the shadow, the steps
# between modules. Spots stay, at their height in units of the frame's deviation. Masked pixels
# take part in none of it.

figure, axes = plt.subplots(2, 3, figsize=(11, 7.4), layout="constrained")
for row, i in zip(axes, (hit, miss), strict=True):
    for ax, step in zip(row, ("centralcrop", "gcn", "lcn"), strict=True):
        FrameDisplay.from_estimator(chain, run.data, index=i, step=step, peaks=False, ax=ax)
        ax.get_legend().remove()
figure.suptitle(f"SIMULATED: frame {hit} is a hit, frame {miss} a miss")
plt.show()

# %%
# One number for each row
# -----------------------
#
# RWD keeps the largest minus the smallest value of each row: a spot lifts the row that it lies
# in. This is all that the network sees.

display = RowProfileDisplay.from_estimator(chain, run.data[[hit, miss]], run.labels[[hit, miss]])
display.ax_.set_title("SIMULATED: the same two frames")
plt.show()
