"""The docstrings of the models' fields as descriptions in their JSON Schema, read from the source when one is made.

pydantic can do so by itself (``use_attribute_docstrings``), but for every model, whenever it is imported: a tenth of
what a short local run takes. Called by ``Model``.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from functools import cache
from itertools import pairwise
from typing import Any

from pydantic import BaseModel


def described(model: type[BaseModel], properties: dict[str, Any]) -> None:
    """Put the descriptions into the ``properties`` of the model's schema, which go by the API's names."""
    for owner in reversed(model.__mro__):
        if issubclass(owner, BaseModel) and owner is not BaseModel:
            for name, text in _docstrings(owner).items():
                alias = model.model_fields[name].alias or name
                properties[alias]["description"] = text


@cache
def _docstrings(owner: type[BaseModel]) -> dict[str, str]:
    """By field: the string that stands alone below it."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
    assert isinstance(tree, ast.ClassDef)
    return {
        field.target.id: inspect.cleandoc(below.value.value)
        for field, below in pairwise(tree.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    }
