"""What a live page asks of its server."""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from collections import OrderedDict
from typing import Any, Protocol

import numpy as np

from sklearn_sfx._tasks import Task
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import needing_some
from sklearn_sfx.preprocessing import PixelMask
from sklearn_sfx.screening import LABEL_ASSETS
from sklearn_sfx.serving import Asset, FramePicture, asset, assets, view_facts
from sklearn_sfx.streams.live._kept import KeptFrame

__all__ = ["live_app"]

SERVING, HERE = "sklearn_sfx.serving", "sklearn_sfx.streams.live"
PAGE = Asset(HERE, "live.html")
OWN = (Asset(HERE, "live.css"), Asset(HERE, "charts.js"), Asset(HERE, "live.js"))
MOST_BYTES = 1024  # of what a page sends
SIDE = 240  # of a small picture, in pixels
N_PICTURES = 64  # that are held
CONFLICT = 409
NO_STORE = {"cache-control": "no-store"}


class Shown(Protocol):
    """What the application asks of the page that it is of."""

    task: Task
    labels: Any
    metrics: Any

    def snapshot(self) -> dict[str, Any]: ...
    def consequences(self, threshold: float) -> dict[str, Any]: ...
    def threshold_for(self, recall: float) -> float | None: ...
    def choose(self, threshold: float | None) -> None: ...
    def find(self, number: int) -> KeptFrame | None: ...
    def begin_labelling(self, picked: int | None) -> int: ...


def live_app(live: Shown) -> Any:
    """Return the application behind a live page."""
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import Request
    from starlette.responses import JSONResponse, PlainTextResponse, Response
    from starlette.routing import Mount, Route

    pictures = _Pictures("counts" if live.task.scale == "log" else "local")

    def home(request: Request) -> Response:
        answer = asset(PAGE)
        answer.headers.update(NO_STORE)
        return answer

    def now(request: Request) -> Response:
        return JSONResponse(live.snapshot(), headers=NO_STORE)

    def consequences(request: Request) -> Response:
        asked = request.query_params
        if "recall" in asked:
            threshold = live.threshold_for(_number(asked["recall"], "A recall"))
            if threshold is None:
                raise InputError("The model does not know its recall: it has too few labels.")
        else:
            threshold = _number(asked.get("threshold"), "A threshold")
        return JSONResponse(live.consequences(threshold), headers=NO_STORE)

    def picture(request: Request) -> Response:
        one = live.find(request.path_params["number"])
        if one is None:
            return JSONResponse({"error": "This frame is no longer held."}, status_code=404)
        return JSONResponse(pictures.of(one), headers=NO_STORE)

    def metrics(request: Request) -> Response:
        text, kind = live.metrics.text()
        return Response(text, headers=NO_STORE | {"content-type": kind})

    async def sent(request: Request) -> dict[str, Any]:
        data = b""
        async for part in request.stream():
            data += part
            if len(data) > MOST_BYTES:
                raise InputError("This is more than a page sends.")
        try:
            wanted = json.loads(data or b"{}")
        except ValueError as error:
            raise InputError("This is no JSON.") from error
        if not isinstance(wanted, dict):
            raise InputError("This is not what a page sends.")
        return wanted

    async def choose(request: Request) -> Response:
        wanted = await sent(request)
        if "threshold" not in wanted:
            raise InputError("Give a threshold, or null for that of the model.")
        value = wanted["threshold"]
        live.choose(None if value is None else _number(value, "A threshold"))
        return JSONResponse(await run_in_threadpool(live.snapshot), headers=NO_STORE)

    async def begin(request: Request) -> Response:
        picked = (await sent(request)).get("frame")
        if not isinstance(picked, int | None):
            raise InputError("A frame is called by its number.")
        return JSONResponse({"sitting": await run_in_threadpool(live.begin_labelling, picked)})

    async def sitting(scope: Any, receive: Any, send: Any) -> None:
        number = scope["path_params"]["sitting"]
        app = None if live.labels is None else live.labels.app(number)
        if app is None:
            said = "These frames are no longer held: go back to the live page, and begin again.\n"
            app = PlainTextResponse(said, status_code=404)
        await app(scope, receive, send)

    def refused(request: Request, error: Exception) -> Response:
        return JSONResponse({"error": str(error)}, CONFLICT)

    routes = [
        Route("/", home),
        Route("/api/live", now),
        Route("/api/consequences", consequences),
        Route("/api/threshold", choose, methods=["POST"]),
        Route("/api/label", begin, methods=["POST"]),
        Route("/api/frames/{number:int}/picture", picture),
        Route("/metrics", metrics),
        Mount("/label/{sitting:int}", app=sitting),
        *assets(dict.fromkeys([*OWN, *LABEL_ASSETS])),
    ]
    return Starlette(routes=routes, exception_handlers={InputError: refused})


def _number(value: Any, what: str) -> float:
    """Return a number from 0 to 1 that a page has sent."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if isinstance(value, bool) or not 0 <= number <= 1:
        raise InputError(f"{what} is a number from 0 to 1.")
    return number


class _Pictures:
    """Small pictures of frames, each made once, and one at a time: who scores needs the machine."""

    def __init__(self, layer: str) -> None:
        self._layer = layer
        self._made: OrderedDict[int, dict[str, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, one: KeptFrame) -> dict[str, Any]:
        """Return a picture as a page draws it; ``error`` where the frame cannot be read."""
        with self._lock:
            if one.number not in self._made:
                self._made[one.number] = _picture(one, self._layer)
                while len(self._made) > N_PICTURES:
                    self._made.popitem(last=False)
            return self._made[one.number]


def _picture(one: KeptFrame, layer: str) -> dict[str, Any]:
    mask = PixelMask(invalid="auto").fit(one.frames) if one.mask is None else one.mask
    try:
        pixels = np.asarray(needing_some(mask.transform(one.frames)))[0]
    except (InputError, OSError) as error:  # the file was taken away
        return {"error": str(error)}
    picture = FramePicture(pixels)
    codes, scale = picture.small(SIDE, layer)
    return {
        "view": view_facts(codes.shape) | {"tile": SIDE},
        "layer": layer,
        "scale": scale,
        "range": picture.counts_range,
        "codes": b64encode(codes.tobytes()).decode("ascii"),
    }
