"""``python -m sklearn_sfx.cli`` is ``sfx``."""

import sys

from sklearn_sfx.cli import main

sys.exit(main())
