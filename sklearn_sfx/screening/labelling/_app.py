"""What the served page to label on asks of its server."""

from __future__ import annotations

import json
from typing import Any

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.screening._pages import page
from sklearn_sfx.screening.labelling._labelling import Labelling
from sklearn_sfx.serving import Asset, assets, view_facts

__all__ = ["HERE", "LABEL_ASSETS", "SCRIPTS", "STYLES", "label_app"]

SERVING, HERE = "sklearn_sfx.serving", "sklearn_sfx.screening.labelling"
STYLES = Asset(SERVING, "page.css"), Asset(HERE, "label.css")
SCRIPTS = Asset(SERVING, "frame_view.js"), Asset(HERE, "label.js"), Asset(HERE, "served.js")
LABEL_ASSETS = (*STYLES, *SCRIPTS)
MOST_BYTES = 4096  # of what a page sends
LAYERS = ("local", "counts")
CHANGES = {"label", "flag"}
CONFLICT = 409  # with the frame, or with the file of labels


class Refused(InputError):
    """What a page cannot ask, and the number that says so."""

    def __init__(self, status: int, said: str):
        super().__init__(said)
        self.status = status


def label_app(labelling: Labelling) -> Any:
    """Return the application behind the page."""
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import Request
    from starlette.responses import HTMLResponse, JSONResponse, Response
    from starlette.routing import Route

    def place_of(request: Request) -> int:
        place = int(request.path_params["place"])
        if place >= len(labelling.names):
            raise Refused(404, "The page has no such frame.")
        return place

    def home(request: Request) -> Response:
        values = {
            "alone": None,
            "styles": [one.name for one in STYLES],
            "scripts": [one.name for one in SCRIPTS],
            "title": labelling.facts["title"],
            "task": labelling.labels.task,
        }
        text = page("label.html", values).encode("utf-8", "backslashreplace")
        return HTMLResponse(text, headers={"cache-control": "no-store"})

    def run(request: Request) -> Response:
        shape, window = labelling.shown.shape, labelling.shown.window
        facts = {"view": view_facts(shape), "window": window._asdict(), **labelling.facts}
        after = labelling.next_unlabelled(-1)
        return JSONResponse({**facts, "start": 0 if after is None else after})

    def frame(request: Request) -> Response:
        return JSONResponse(labelling.frame(place_of(request)))

    def following(request: Request) -> Response:
        return JSONResponse({"place": labelling.next_unlabelled(place_of(request))})

    def tile(request: Request) -> Response:
        wanted = request.path_params
        picture = labelling.shown.picture(place_of(request))
        if wanted["layer"] not in LAYERS or wanted["level"] >= picture.n_levels:
            raise Refused(404, "The picture has no such tile.")
        where = wanted["layer"], wanted["level"], wanted["row"], wanted["column"]
        packed = picture.tile(*where, masked=request.query_params.get("mask") != "0")
        headers = {"content-encoding": "gzip", "cache-control": "no-store"}
        return Response(packed, media_type="application/octet-stream", headers=headers)

    def spots(request: Request) -> Response:
        return JSONResponse({"spots": labelling.shown.spots(place_of(request))})

    async def sent(request: Request) -> Any:
        data = b""
        async for part in request.stream():
            data += part
            if len(data) > MOST_BYTES:
                raise Refused(413, "This is more than a label.")
        try:
            return json.loads(data or b"{}")
        except ValueError as error:
            raise Refused(400, "This is no JSON.") from error

    async def changed(request: Request) -> Response:
        place, wanted = place_of(request), await sent(request)
        if not isinstance(wanted, dict) or len(wanted) != 1 or not wanted.keys() <= CHANGES:
            raise Refused(400, "Give a frame a label, or a flag.")
        ((what, value),) = wanted.items()
        return JSONResponse(await run_in_threadpool(labelling.change, place, what, value))

    def undo(request: Request) -> Response:
        return JSONResponse({"place": labelling.undo()})

    def stop(request: Request) -> Response:
        labelling.stop()
        return JSONResponse({"stopped": True})

    def refused(request: Request, error: Exception) -> Response:
        return JSONResponse({"error": str(error)}, getattr(error, "status", CONFLICT))

    def unsaved(request: Request, error: Exception) -> Response:
        said = f"{getattr(error, 'strerror', None) or error}: {labelling.labels.path}"
        return JSONResponse({"error": f"The label could not be written: {said}"}, status_code=507)

    at = "/api/frames/{place:int}"
    routes = [
        Route("/", home),
        Route("/api/run", run),
        Route(at, frame),
        Route(at, changed, methods=["POST"]),
        Route(f"{at}/next", following),
        Route(f"{at}/spots", spots),
        Route(f"{at}/{{layer}}/{{level:int}}/{{row:int}}/{{column:int}}", tile),
        Route("/api/undo", undo, methods=["POST"]),
        Route("/api/stop", stop, methods=["POST"]),
        *assets(LABEL_ASSETS),
    ]
    handlers: dict[Any, Any] = {
        InputError: refused,
        OSError: unsaved,
    }
    return Starlette(routes=routes, exception_handlers=handlers)
