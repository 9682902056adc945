"""The counts of a watch as Prometheus collects them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sklearn_sfx._extras import require
from sklearn_sfx.streams._tally import Tally

__all__ = ["Metrics"]

COUNTERS = {
    "received": ("sfx_frames_received", "Frames that came"),
    "scored": ("sfx_frames_scored", "Frames with a probability"),
    "skipped": ("sfx_frames_skipped", "Frames left out since the watch was behind"),
    "unreadable": ("sfx_frames_unreadable", "Frames that cannot be read"),
    "repeated": ("sfx_frames_repeated", "Frames that came again; not received"),
    "lost": ("sfx_frames_lost", "Frames that never came; not received"),
    "hits": ("sfx_hits", "Scored frames that are hits"),
}
QUANTILES = ("0.5", "0.99")


class Metrics:
    """What a watch has counted, in the text format of Prometheus, from a registry of its own.

    All numbers are of one moment: what was received is what was scored, skipped, found unreadable,
    and waits.

    Parameters
    ----------
    tally : Tally
        The counts.
    threshold : callable
        Returns the threshold in use; None before the first frame.

    Examples
    --------
    >>> from sklearn_sfx.streams import Tally
    >>> from sklearn_sfx.streams.live._metrics import Metrics
    >>> tally = Tally()
    >>> tally.receive(5)
    >>> text, content_type = Metrics(tally, lambda: 0.5).text()
    >>> [line for line in text.decode().splitlines() if "received_total" in line][-1]
    'sfx_frames_received_total 5.0'
    """

    def __init__(self, tally: Tally, threshold: Callable[[], float | None]):
        self._tally, self._threshold = tally, threshold
        self._client = require("prometheus_client", extra="live", what="Live pages")
        self._registry = self._client.CollectorRegistry()
        self._registry.register(self)

    def text(self) -> tuple[bytes, str]:
        """Return the page that is collected, and what kind of text it is."""
        return self._client.generate_latest(self._registry), self._client.CONTENT_TYPE_LATEST

    def collect(self) -> Iterator[Any]:
        """Yield what there is, as the registry asks for it."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        now = self._tally.to_dict()
        for name, (called, said) in COUNTERS.items():
            yield CounterMetricFamily(called, f"{said}.", value=now[name])
        yield GaugeMetricFamily(
            "sfx_frames_waiting", "Received frames that wait to be scored.", value=now["waiting"]
        )
        notices = CounterMetricFamily(
            "sfx_notices", "What happened to the source, by kind.", labels=["kind"]
        )
        for kind, n in sorted(now["notices"].items()):
            notices.add_metric([kind], n)
        yield notices
        latency = GaugeMetricFamily(
            "sfx_frame_latency_seconds",
            "From the arrival of a frame to its row, of the newest 20,000 frames.",
            labels=["quantile"],
        )
        for quantile, ms in zip(QUANTILES, now["latency_ms"] or (), strict=False):
            latency.add_metric([quantile], ms / 1000)
        yield latency
        threshold = self._threshold()
        if threshold is not None:
            yield GaugeMetricFamily(
                "sfx_threshold_ratio", "Probability from which a frame is a hit.", value=threshold
            )
