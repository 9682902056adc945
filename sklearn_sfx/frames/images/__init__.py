"""Formats with one image a file, or a few: one module each, and what they share beneath them.

They are asked in this order. To add one, write its module, a subclass of
`sklearn_sfx.frames.images._format.ImageFormat`, and name it here.
"""

from sklearn_sfx.frames._format_protocol import Format
from sklearn_sfx.frames.images._bruker import Bruker
from sklearn_sfx.frames.images._cbf import Cbf
from sklearn_sfx.frames.images._edf import Edf
from sklearn_sfx.frames.images._mar345 import Mar345
from sklearn_sfx.frames.images._nonius import Nonius
from sklearn_sfx.frames.images._oxford import Oxford
from sklearn_sfx.frames.images._smv import Smv
from sklearn_sfx.frames.images._tiff import MarCcd, Tiff
from sklearn_sfx.frames.images._whole import WholeImage

__all__ = ["FORMATS"]

FORMATS: tuple[Format, ...] = (
    Cbf(),
    MarCcd(),
    Tiff(),  # behind MarCCD, which is TIFF with a header of its own
    Smv(),
    Edf(),  # behind SMV, which begins with a brace too
    Mar345(),
    Bruker(),
    Oxford(),
    Nonius(),
    WholeImage("R-AXIS", b"R-AXIS", "raxisimage"),
    WholeImage("Esperanto", b"ESPERANTO FORMAT", "esperantoimage"),
)
