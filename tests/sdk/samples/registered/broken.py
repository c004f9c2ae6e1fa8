"""A module beside the others that cannot be imported. It speaks of charge_card and of InNoModule."""

from __future__ import annotations

raise RuntimeError("no licence for cards")
