"""Draw what becomes of a frame on its way to the hit list: ``python docs/data_flow.py``."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from sklearn_sfx import CNN1D, GCN, LCN, CentralCrop, RowWiseDecomposition, make_sfx_frames

SIDE, CROP = 560, 400
run = make_sfx_frames(260, frame_shape=(SIDE, SIDE), hit_rate=0.4, random_state=0)
crop, gcn, lcn, rwd = CentralCrop(CROP), GCN(), LCN(5), RowWiseDecomposition()
cropped = crop.fit_transform(run.data)
flat = lcn.fit_transform(gcn.fit_transform(cropped))
vectors = np.asarray(rwd.fit_transform(flat))
network = CNN1D(random_state=0).fit(vectors[60:], run.target[60:])
probability = network.predict_proba(vectors[:24])[:, 1]
i = int(np.argmax(run.spot_count[:24]))

figure = Figure(figsize=(13, 4.2), layout="constrained")
figure.get_layout_engine().set(wspace=0.12)
axes = figure.subplots(1, 4)
for ax, name, classes in zip(
    axes,
    ("a frame of the file", "cropped and normalized", "one number for each row", "a decision"),
    (
        "open_frames, read_mask\nPixelMask, CentralCrop",
        "GCN, LCN",
        "RowWiseDecomposition",
        "CNN1D\nabove the line: hits.lst",
    ),
    strict=True,
):
    ax.set_title(name, fontsize=13)
    ax.set_xlabel(classes, fontsize=11, family="monospace")

raw = np.where(run.mask, run.data[i], np.nan)
axes[0].imshow(raw, cmap="gray_r", vmin=0, vmax=np.nanpercentile(raw, 99.7))
edge = (SIDE - CROP) / 2
axes[0].add_patch(Rectangle((edge, edge), CROP, CROP, fill=False, ec="#c2410c", lw=2))
axes[1].imshow(np.asarray(flat[[i]])[0], cmap="gray_r", vmin=-1, vmax=4)
axes[2].plot(vectors[i], np.arange(vectors.shape[1]), color="#c2410c", lw=0.8)
axes[2].invert_yaxis()
axes[2].set_box_aspect(1)
colours = np.where(probability >= 0.5, "#c2410c", "#1d4ed8")
axes[3].bar(np.arange(24), probability, color=colours)
axes[3].axhline(0.5, color="black", ls="--", lw=1)
axes[3].set_box_aspect(1)
for ax in axes[:3]:
    ax.set(xticks=[], yticks=[])
axes[3].set(xticks=[], ylim=(0, 1))
figure.suptitle("SIMULATED frame; on the right it is among 23 others", fontsize=11)
for left in axes[:-1]:
    left.annotate(
        "",
        xy=(1.14, 0.5),
        xytext=(1.01, 0.5),
        xycoords="axes fraction",
        annotation_clip=False,
        arrowprops={"arrowstyle": "-|>", "lw": 2},
    )
figure.savefig(Path(__file__).parent / "images" / "data_flow.png", dpi=110)
