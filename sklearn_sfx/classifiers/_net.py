"""The net of skorch that every classifier trains, and the callbacks that a user gives it."""

import dis
import re
from collections.abc import Callable, Sequence
from typing import Any

import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback, LRScheduler
from skorch.utils import to_tensor

from sklearn_sfx.classifiers._training import StopTraining, as_samples, values_of, weights_of
from sklearn_sfx.exceptions import InputError

__all__ = ["TrainingNet", "made_loss", "with_own"]

# The names of what sets the learning rate, and of what scales large gradients down. A callback of
# the user's takes their place, and no other's: the rest of ours is needed.
SCHEDULE, GRADIENTS = "schedule", "gradients"


class TrainingNet(NeuralNetClassifier):
    """A net whose samples may weigh, and whose classes are numbers from 0.

    What its user gives it is read as the training reads it. Its criterion takes logits, class
    numbers and weights or None.
    """

    def __init__(
        self, *args: Any, mixed_precision: bool = False, dataset: Any = as_samples, **kwargs: Any
    ):
        super().__init__(*args, dataset=dataset, **kwargs)
        self.mixed_precision = mixed_precision

    def infer(self, x: Any, **fit_params: Any) -> Any:
        """Return what the module makes of samples, in float32."""
        x = to_tensor(values_of(x), device=self.device)
        if not (self.mixed_precision and self.module_.training):
            return self._outputs(x)
        with torch.autocast(x.device.type, torch.bfloat16):
            found = self._outputs(x)
        return tuple(each.float() for each in found) if isinstance(found, tuple) else found.float()

    def _outputs(self, x: torch.Tensor) -> Any:
        return self.module_(x)

    def get_loss(
        self, y_pred: Any, y_true: Any, X: Any = None, *args: Any, **kwargs: Any
    ) -> torch.Tensor:
        """Return the loss of a batch, X with its weights if it has some."""
        weight = weights_of(X)
        if weight is not None:
            weight = to_tensor(weight, device=self.device)
        return self.criterion_(y_pred, to_tensor(y_true, device=self.device), weight)

    def notify(self, method_name: str, **kwargs: Any) -> None:
        """Tell every callback what happens, also where one of them ends the training."""
        getattr(self, method_name)(self, **kwargs)
        stop = None
        for _, callback in self.callbacks_:
            try:
                getattr(callback, method_name)(self, **kwargs)
            except KeyboardInterrupt as error:
                if not _is_raised_by(callback, error):
                    raise
                stop = StopTraining()
            except KeyError as error:  # of a history
                name = type(callback).__name__
                apart = re.search(r"(\w+_)?domain_\w+", str(error))
                if apart is not None:
                    raise InputError(
                        f"{name} looks at {apart[0]}, which there is only where source and target "
                        "are told apart: set max_lambda above 0, or let it look at train_loss."
                    ) from error
                lacking = re.search(r"valid_\w+", str(error))
                if self.train_split is not None or lacking is None:
                    raise
                raise InputError(
                    f"{name} looks at {lacking[0]}, and nothing is held back to "
                    "tell it by: set early_stopping=True, or let it look at train_loss."
                ) from error
        if stop is not None:
            raise stop


def made_loss(criterion: Callable | None) -> Callable | None:
    """Return what a user's criterion makes, the loss of each row by its logits."""
    if criterion is None:
        return None
    takes = "criterion takes a class of torch's losses of logits, or a partial of one, "
    if isinstance(criterion, torch.nn.Module):
        kind = type(criterion).__name__
        raise InputError(f"{takes}and this is a {kind} that is made already: give the class.")
    made = criterion(reduction="none")
    if isinstance(made, torch.nn.NLLLoss):
        raise InputError(
            f"{takes}and NLLLoss is one of logarithms of probabilities: give CrossEntropyLoss, "
            "which takes them itself."
        )
    return made


def _is_raised_by(callback: Callback, error: KeyboardInterrupt) -> bool:
    """Whether a ``raise`` of the callback made it, as skorch's end a training; or else Ctrl-C."""
    trace: Any = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    frame = trace.tb_frame
    is_own = frame.f_globals.get("__name__") in {kind.__module__ for kind in type(callback).__mro__}
    return is_own and dis.opname[frame.f_code.co_code[trace.tb_lasti]] == "RAISE_VARARGS"


def with_own(
    ours: list[tuple[str, Callback]], own: Sequence[Any] | None
) -> list[tuple[str, Callback] | Callback | type]:
    """Return our callbacks, and fresh ones of a user's, which take the place of two of ours.

    Only their parameters are taken over: what a callback keeps of a training stays with that.
    """
    fresh: list[Any] = []
    taken = set()
    for item in own or ():
        name, callback = item if isinstance(item, tuple) and len(item) == 2 else (None, item)
        is_kind = isinstance(callback, type) and issubclass(callback, Callback)
        if not (is_kind or isinstance(callback, Callback) or (name and callback is None)):
            raise InputError(
                "callbacks takes callbacks of skorch, or pairs of a name and one, in a list; "
                f"got {item!r}."
            )
        if isinstance(callback, Callback):
            callback = type(callback)(**callback.get_params(deep=False))
        taken.add(SCHEDULE if name is None and isinstance(callback, LRScheduler) else name)
        if callback is not None:
            fresh.append(callback if name is None else (name, callback))
    taken &= {SCHEDULE, GRADIENTS}
    return [(f"sfx_{name}", callback) for name, callback in ours if name not in taken] + fresh
