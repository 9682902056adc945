"""
Single particles
================

In single-particle imaging the frames that are wanted show exactly one particle; others are empty,
or show several, or a droplet. What a sphere explains of a frame tells them apart. The frames are
SIMULATED.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.pipeline import make_pipeline, make_union

from sklearn_sfx import make_spi_frames
from sklearn_sfx.preprocessing import AngularVariance, LitPixels, PixelMask, SphereFit

run = make_spi_frames(240, domain="virus", shares=(0.25, 0.2, 0.15), random_state=0)
images = np.asarray(run.data)  # or they are simulated at each read
masked = PixelMask(detect=True).fit_transform(images)
train, test = slice(120), slice(120, None)
print(run.DESCR)

# %%
# The four classes
# ----------------
#
# In photons, in a logarithm. One particle has rings. Several have fringes across them, the finer
# the farther apart they are; a droplet has rings of another width.

photon = 10.0  # what one adds to a pixel
figure, axes = plt.subplots(1, 4, figsize=(10, 3), layout="constrained")
for axis, label in zip(axes, run.target_names, strict=True):
    brightest = np.argmax(np.where(run.labels == label, run.photons, -1))
    axis.imshow(np.log1p(np.maximum(masked[brightest] / photon, 0)), cmap="magma")
    axis.set_title(label)
    axis.set_axis_off()
figure.suptitle("SIMULATED frames")

# %%
# What a sphere explains
# ----------------------
#
# The diameter of the sphere that fits best, and how badly it fits. Frames with one particle lie at
# the size of the virus, 70 nm, and fit; the brighter they are, the better is seen that a virus is
# an icosahedron.

scale = 0.775 * 581.0 / 0.3  # wavelength in nm x distance / pixel size
sphere = SphereFit(photon=photon, scale=scale)
diameter, _, _, misfit, _ = sphere.fit_transform(masked).T
figure, axis = plt.subplots(layout="constrained")
for label in run.target_names:
    one = run.labels == label
    axis.loglog(diameter[one], misfit[one], "o", markersize=4, label=label)
axis.set(xlabel="diameter of the sphere / nm", ylabel="misfit", title="SIMULATED frames")
axis.legend()

# %%
# The classifier
# --------------
#
# Beside the sphere: lit pixels, photons, and the variance along the rings.

features = make_union(LitPixels(photon=photon), sphere, AngularVariance(photon=photon))
trees = ExtraTreesClassifier(200, class_weight="balanced", random_state=0)
model = make_pipeline(features, trees).fit(masked[train], run.labels[train])
shown = ConfusionMatrixDisplay.from_predictions(
    run.labels[test], model.predict(masked[test]), labels=list(run.target_names)
)
shown.ax_.set_title("SIMULATED frames")
plt.show()
