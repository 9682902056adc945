"""How large a reproduction is: the paper's size, or one that ends in minutes."""

from dataclasses import dataclass

__all__ = ["FULL", "QUICK", "Scale"]


@dataclass(frozen=True)
class Scale:
    """Sizes of the data, of the networks and of their training.

    Attributes
    ----------
    name : str
        "full", or what the report calls it.
    n_frames : int
        Frames of each run; of longer ones as many are taken, spread evenly.
    crop : int
        Side of the central square, in pixels.
    halved : bool
        Whether CNN2D sees frames of half the side, the highest of each 2 x 2 pixels.
    simulated_side : int
        Side of the simulated part of the detector.
    whole_side : int or None
        Side of the whole detector in the picture of the crop; None for all of it.
    n_seeds : int
        Seeds, where none are asked for.
    enough_epochs, few_epochs : int
        Passes of CNN2D over many and over few labelled frames.
    head_epochs, tuned_epochs : int
        Passes of FineTuned in step 1 and step 2.
    vector_epochs, dann_epochs : int
        Passes of CNN1D and of DANN.
    channels, vector_channels : tuple of int
        Of CNN2D and of CNN1D.
    embedded : int
        The most frames of each run in the embedding of features.
    timed : int
        Frames that speeds are measured with.
    """

    name: str
    n_frames: int = 2000
    crop: int = 724
    halved: bool = False
    simulated_side: int = 724
    whole_side: int | None = None
    n_seeds: int = 3
    enough_epochs: int = 25
    few_epochs: int = 50
    head_epochs: int = 20
    tuned_epochs: int = 40
    vector_epochs: int = 50
    dann_epochs: int = 10
    channels: tuple[int, ...] = (4, 8, 16, 32)
    vector_channels: tuple[int, ...] = (16, 32, 64, 64)
    embedded: int = 1000
    timed: int = 200

    @property
    def frame_side(self) -> int:
        """Side of the frames that CNN2D sees: LCN takes two pixels of each rim."""
        side = self.crop - 4
        return side // 2 if self.halved else side

    @property
    def said(self) -> str:
        """What is smaller than in the paper; "" at its size."""
        if self.name == "full":
            return ""
        halved = ", frames halved" if self.halved else ", frames"
        return (
            f"{self.name.upper()}: {self.n_frames} frames of each run at most instead of 2000, "
            f"split in the paper's proportions{halved} to {self.frame_side} x {self.frame_side} "
            "for CNN2D instead of 720 x 720, and fewer steps of training; "
            "these figures are rough"
        )


FULL = Scale("full")
# Of few frames more epochs are needed, though the steps are fewer.
QUICK = Scale(
    "quick", n_frames=300, halved=True, n_seeds=1, enough_epochs=40, dann_epochs=15, embedded=300
)
