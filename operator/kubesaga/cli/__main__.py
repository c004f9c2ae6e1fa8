"""``python -m kubesaga.cli``: the same as the command ``kubesaga``."""

from __future__ import annotations

import sys

from kubesaga.cli.main import main

sys.exit(main())
