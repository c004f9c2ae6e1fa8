"""A handlers' module whose library is not in the image."""

from __future__ import annotations

import no_such_library  # type: ignore[import-not-found]  # noqa: F401
