"""A model in a file that may be replaced while it is used."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from sklearn_sfx._files import file_state
from sklearn_sfx.classifiers import find_device
from sklearn_sfx.screening import check_hit_finder, load_hit_finder

__all__ = ["ModelFile", "content_of"]

DIGITS = 12  # of a digest, which tell contents apart


class ModelFile:
    """A fitted estimator in a file, which `watch` loads again when another one lies there.

    Parameters
    ----------
    path : path-like
        What `ScreeningModel.save`, `save_model` or ``joblib.dump`` wrote. Unless it is a safe file
        it is a pickle, which can run code: it has to be one that is trusted, whenever it changes.
    pos_label : int, float, bool or str, default=None
        The class of hits of an estimator that `train` did not make, as for `screen`.
    device : str, default=None
        Where networks are computed: "cpu", "cuda", "cuda:1", or "auto" for a GPU where there is
        one; by default where they were when they were saved.

    Attributes
    ----------
    estimator : ScreeningModel or fitted estimator
        What is used.
    digest : str
        What tells its file from one of other content.

    Raises
    ------
    InputError
        The file is missing, cannot be read, is damaged, or holds nothing that finds hits; or there
        is no such device here.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from sklearn_sfx import make_sfx_frames, train
    >>> from sklearn_sfx.streams import ModelFile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.joblib"
    >>> run = make_sfx_frames(10, frame_shape=(96, 96), random_state=0)
    >>> train(run.data, method="peaks", crop=90).save(path)
    >>> file = ModelFile(path)
    >>> file.estimator.frame_shape, len(file.digest), file.newer() is None
    ((96, 96), 12, True)
    >>> train(run.data, method="peaks", crop=80).save(path)
    >>> other = file.newer()
    >>> file.use(*other)
    >>> file.newer() is None
    True
    """

    def __init__(
        self, path: str | os.PathLike, *, pos_label: Any = None, device: str | None = None
    ):
        self.path, self.pos_label = path, pos_label
        self.device = None if device is None else str(find_device(device))
        self._looked_at = file_state(self.path)
        self.estimator, self.digest = self._load()

    def newer(self) -> tuple[Any, str] | None:
        """Return what lies there now and its digest, if it is another; once for each that is.

        Returns
        -------
        tuple of estimator and str, or None
            For `use`; None, too, while no file is there.

        Raises
        ------
        InputError
            It cannot be used; said once of each file.
        """
        state = file_state(self.path)
        if state in (None, self._looked_at):
            return None
        self._looked_at = state
        if content_of(self.path) == self.digest:
            return None
        return self._load()

    def use(self, estimator: Any, digest: str) -> None:
        """Let something else be what is used.

        Parameters
        ----------
        estimator : ScreeningModel or fitted estimator
            What `newer` returned.
        digest : str
            That of its file.
        """
        self.estimator, self.digest = estimator, digest

    def _load(self) -> tuple[Any, str]:
        while True:
            digest = content_of(self.path)
            estimator = load_hit_finder(self.path)
            if content_of(self.path) == digest:  # not replaced meanwhile
                break
        check_hit_finder(estimator, self.pos_label)
        return estimator, digest


def content_of(path: str | Path | os.PathLike | None) -> str:
    """Return what tells a file from one of other content; reading it is left to others."""
    if path is None:
        return "none"
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:DIGITS]
    except OSError:
        return "missing"
