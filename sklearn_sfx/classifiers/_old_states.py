"""Model files from before a network had a design, read as those of today."""

from typing import Any

__all__ = ["of_today"]


def of_today(kind: type, state: dict[str, Any]) -> dict[str, Any]:
    """Return the state of a classifier with a trained network as it is pickled today.

    Before, a classifier built the network: one that was made anew from the parameters of `fit` or,
    in `DANN` and `FineTuned`, was kept as ``base_``, with the shape that the network reads.
    """
    state = dict(state)
    if "_weights" in state and "design_" not in state:
        builder = state.pop("base_", None)
        if builder is None:
            builder = kind(**state["_fit_params"])
        del state["_fit_params"]
        state["design_"] = builder._make_design()
        state["network_shape_"] = getattr(builder, "frame_shape_in_", state["frame_shape_in_"])
    return state
