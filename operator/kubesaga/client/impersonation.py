"""Acting as somebody else, where the kubeconfig's user says so (`as`, `as-groups`, …): the headers of each request.

Called by ``access``: the official client passes these fields over, and would act as the user behind them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from kubesaga.client.errors import Misconfigured

Header = tuple[str, str]
_BESIDE = ("as-uid", "as-groups", "as-user-extra")


def impersonation(user: Mapping[str, Any]) -> tuple[Header, ...]:
    """What the API server wants to see, as kubectl sends it; empty for a user of their own.

    ``user`` is the `user` of an entry in a kubeconfig's `users`. Raises Misconfigured where it names groups, a UID or
    more without the name of anybody.
    """
    name = user.get("as")
    if not name:
        named = [field for field in _BESIDE if user.get(field)]
        if named:
            raise Misconfigured(f"the kubeconfig's user has {', '.join(named)} and no as", "say whom to act as")
        return ()
    return ("Impersonate-User", str(name)), *_beside(user)


def _beside(user: Mapping[str, Any]) -> Iterator[Header]:
    if uid := user.get("as-uid"):
        yield "Impersonate-Uid", str(uid)
    for group in user.get("as-groups") or ():
        yield "Impersonate-Group", str(group)
    for key, values in (user.get("as-user-extra") or {}).items():
        for value in values:
            yield f"Impersonate-Extra-{quote(str(key).lower(), safe='')}", str(value)
