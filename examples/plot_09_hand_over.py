"""
Saving, loading, handing to a beamline
======================================

One model, three files: for yourself, for somebody who should not have to trust you, and for a
program that has neither this package nor torch. Then the beamline's side: one frame at a time. The
frames are SIMULATED. Files for others need ``pip install 'sklearn_sfx[plot,safe,onnx]'``.
"""

import json
import tempfile
import zipfile
from pathlib import Path

import joblib
import matplotlib.pyplot as plt
import numpy as np
import onnxruntime
from sklearn.pipeline import make_pipeline

from sklearn_sfx import (
    CNN1D,
    GCN,
    LCN,
    RowWiseDecomposition,
    load_model,
    make_sfx_frames,
    save_model,
    to_onnx,
)

run = make_sfx_frames(260, frame_shape=(160, 160), hit_rate=0.3, random_state=0)
model = make_pipeline(
    GCN(), LCN(5), RowWiseDecomposition(), CNN1D(channels=(8, 16), max_epochs=20, random_state=0)
)
model.fit(run.data[:140], run.target[:140])

# %%
# Three files
# -----------
#
# A joblib file is a pickle and can run code; a skops file cannot, and says in plain JSON what it
# holds. The ONNX file holds the network alone.

with tempfile.TemporaryDirectory() as folder:
    files = [Path(folder, name) for name in ("hits.joblib", "hits.skops", "hits.onnx")]
    joblib.dump(model, files[0])
    save_model(model, files[1])
    to_onnx(model, files[2])
    for file in files:
        print(f"{file.name}: {file.stat().st_size / 1024:.0f} KiB")
    with zipfile.ZipFile(files[1]) as archive:
        about = json.loads(archive.read("sklearn_sfx.json"))
    print(json.dumps(about, indent=2)[:500])
    loaded = load_model(files[1])
    session = onnxruntime.InferenceSession(files[2])

# %%
# At the beamline
# ---------------
#
# Frames come one by one, as arrays: ``frame[np.newaxis]`` is a run of one. The same is asked of
# onnxruntime, which is given the row vector.

live = run.data[140:]
from_package, from_onnx = [], []
for frame in live:
    vector = loaded[:-1].transform(np.where(run.mask, frame, np.nan)[np.newaxis])
    from_package.append(loaded[-1].predict_proba(vector)[0, 1])
    (probability,) = session.run(["probability"], {"X": vector})
    from_onnx.append(probability[0, 1])
print("largest difference:", np.abs(np.subtract(from_package, from_onnx)).max())

# %%
# What the operator sees
# ----------------------
#
# A hit rate over the last 30 shots, beside the true one of this simulated run.

hits = np.array(from_onnx) >= 0.5
window = np.ones(30) / 30
figure, (top, bottom) = plt.subplots(2, 1, figsize=(9, 5.5), sharex=True, layout="constrained")
top.scatter(np.arange(len(live)), from_onnx, s=12, c=np.where(hits, "#c2410c", "#1d4ed8"))
top.axhline(0.5, color="black", ls="--", lw=1)
top.set(ylabel="probability of a hit", title="SIMULATED shots, as they come")
shots = np.arange(29, len(live))
bottom.plot(shots, np.convolve(hits, window, "valid"), color="#c2410c", label="found")
bottom.plot(shots, np.convolve(run.target[140:], window, "valid"), color="0.5", label="labelled")
bottom.set(xlabel="shot", ylabel="hit rate, last 30 shots", ylim=(0, None))
bottom.legend()
plt.show()
