"""Find the hits in serial femtosecond crystallography with few labels.

The public names stand in ``__init__.pyi``, once; each loads on first use, so that importing the
package is quick and touches neither torch nor h5py.
"""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
