"""Nested lists, tuples and dicts as a flat list of leaves and a form to put them back in."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["TreeSpec", "tree_any", "tree_flatten", "tree_leaves", "tree_map", "tree_unflatten"]


class TreeSpec(NamedTuple):
    """The form of a tree: a container's type, what it needs beside its parts, and their forms."""

    type: Any
    context: Any
    children: list[TreeSpec]

    @property
    def num_leaves(self) -> int:
        """How many leaves a tree of this form has."""
        return 1 if self.type is None else sum(c.num_leaves for c in self.children)


_LEAF = TreeSpec(None, None, [])


def _parts(tree: Any) -> tuple[Any, list[Any]] | None:
    """Context and parts of a container; ``None`` for a leaf."""
    kind = type(tree)
    if kind in (list, tuple) or (isinstance(tree, tuple) and hasattr(tree, "_fields")):
        return None, list(tree)
    if kind in (dict, OrderedDict):
        return list(tree), list(tree.values())
    if kind is defaultdict:
        return [tree.default_factory, list(tree)], list(tree.values())
    return None


def tree_flatten(
    tree: Any, is_leaf: Callable[[Any], bool] | None = None
) -> tuple[list[Any], TreeSpec]:
    """The leaves in order, and the form.

    >>> leaves, form = tree_flatten({"a": [1, 2], "b": (3,)})
    >>> leaves, tree_unflatten([10, 20, 30], form)
    ([1, 2, 3], {'a': [10, 20], 'b': (30,)})
    """
    found = None if is_leaf is not None and is_leaf(tree) else _parts(tree)
    if found is None:
        return [tree], _LEAF
    leaves, forms = [], []
    for part in found[1]:
        below, form = tree_flatten(part, is_leaf)
        leaves += below
        forms.append(form)
    return leaves, TreeSpec(type(tree), found[0], forms)


def tree_unflatten(leaves: Any, treespec: TreeSpec) -> Any:
    """The tree of this form with these leaves.

    Raises:
        ValueError: their number is not the form's.
    """
    leaves = list(leaves)
    if len(leaves) != treespec.num_leaves:
        raise ValueError(
            f"tree_unflatten: {len(leaves)} leaves for a form with {treespec.num_leaves}"
        )
    return _built(iter(leaves), treespec)


def _built(leaves: Any, form: TreeSpec) -> Any:
    if form.type is None:
        return next(leaves)
    parts = [_built(leaves, child) for child in form.children]
    if form.type is defaultdict:
        return defaultdict(form.context[0], zip(form.context[1], parts, strict=True))
    if form.context is not None:
        return form.type(zip(form.context, parts, strict=True))
    return form.type(*parts) if hasattr(form.type, "_fields") else form.type(parts)


def tree_leaves(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> list[Any]:
    """The leaves in order.

    >>> tree_leaves([1, {"a": 2}])
    [1, 2]
    """
    return tree_flatten(tree, is_leaf)[0]


def tree_map(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: Any = None) -> Any:
    """The tree with ``func`` of each leaf, and of the leaves at its place in ``rests``.

    >>> tree_map(lambda a, b: a + b, {"x": [1, 2]}, {"x": [10, 20]})
    {'x': [11, 22]}
    """
    leaves, form = tree_flatten(tree, is_leaf)
    others = [tree_flatten(r, is_leaf) for r in rests]
    for _, other in others:
        if other != form:
            raise ValueError(f"tree_map: trees of different forms, {form} and {other}")
    columns = zip(leaves, *(flat for flat, _ in others), strict=True)
    return tree_unflatten([func(*row) for row in columns], form)


def tree_map_only(kind: Any, func: Callable[[Any], Any], tree: Any, is_leaf: Any = None) -> Any:
    """``tree_map`` on the leaves of one type; the others stay.

    >>> tree_map_only(int, lambda n: n + 1, [1, "a"])
    [2, 'a']
    """
    return tree_map(lambda x: func(x) if isinstance(x, kind) else x, tree, is_leaf=is_leaf)


def tree_any(pred: Callable[[Any], bool], tree: Any, is_leaf: Any = None) -> bool:
    """Whether it holds of any leaf."""
    return any(pred(x) for x in tree_leaves(tree, is_leaf))


def tree_all(pred: Callable[[Any], bool], tree: Any, is_leaf: Any = None) -> bool:
    """Whether it holds of every leaf."""
    return all(pred(x) for x in tree_leaves(tree, is_leaf))
