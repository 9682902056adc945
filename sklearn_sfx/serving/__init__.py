"""Pages that are served to a browser: the server, who may ask it, and the pictures of frames."""

from sklearn_sfx._names import carry_the_face
from sklearn_sfx.serving._assets import Asset, asset, assets, read_asset
from sklearn_sfx.serving._browser import opened_in_browser
from sklearn_sfx.serving._guard import Guard, kept_token, new_token
from sklearn_sfx.serving._picture import TILE, FramePicture, gzipped, view_facts
from sklearn_sfx.serving._server import PageServer

__all__ = [
    "TILE",
    "Asset",
    "FramePicture",
    "Guard",
    "PageServer",
    "asset",
    "assets",
    "gzipped",
    "kept_token",
    "new_token",
    "opened_in_browser",
    "read_asset",
    "view_facts",
]

carry_the_face(__name__)
