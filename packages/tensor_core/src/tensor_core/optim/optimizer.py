"""What every optimizer has: parameter groups, state, and moving both in and out."""

from __future__ import annotations

import functools
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any

from .._grad_mode import enable_grad
from .._tensor import Tensor
from ..nn._conversion import clear_grad
from ..nn.hooks import RemovableHandle, Table, register

Params = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]


class _Required:
    """Marks an option without a default."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()

_all_step_pre: Table = OrderedDict()
_all_step_post: Table = OrderedDict()


def register_optimizer_step_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(optimizer, args, kwargs)`` before every optimizer's step.

    >>> handle = register_optimizer_step_pre_hook(lambda optimizer, args, kwargs: None)
    >>> handle.remove()
    """
    return register(_all_step_pre, hook)


def register_optimizer_step_post_hook(hook: Callable[..., None]) -> RemovableHandle:
    """Call ``hook(optimizer, args, kwargs)`` after every optimizer's step.

    >>> handle = register_optimizer_step_post_hook(lambda optimizer, args, kwargs: None)
    >>> handle.remove()
    """
    return register(_all_step_post, hook)


class Optimizer:
    """Base class: ``param_groups`` (a list of dicts of options) and ``state`` by parameter.

    A subclass calls ``super().__init__(params, defaults)`` and defines ``step``. ``params`` are
    tensors, (name, tensor) pairs, or dicts of ``params`` and options that differ from the
    defaults. State and groups have torch's layout.

    >>> import tensor_core as torch
    >>> class Descent(torch.optim.Optimizer):
    ...     @torch.no_grad()
    ...     def step(self, closure=None):
    ...         for group in self.param_groups:
    ...             for p in group["params"]:
    ...                 p.add_(p.grad, alpha=-group["lr"])
    >>> w = torch.ones(1, requires_grad=True)
    >>> w.grad = torch.ones(1)
    >>> Descent([w], {"lr": 0.5}).step(); w.detach()
    tensor([0.5000])
    """

    def __init__(self, params: Params, defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or "
                f"dicts, but got {type(params).__name__}; put it in a list"
            )
        self.defaults = defaults
        self.state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        self._make_hooks()
        groups: list[Any] = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__:
            cls.step = _with_hooks(cls.__dict__["step"])  # type: ignore[method-assign]

    def _make_hooks(self) -> None:
        self._stepped = False  # a scheduler warns when it goes first
        self._step_pre: Table = OrderedDict()
        self._step_post: Table = OrderedDict()
        self._state_pre: Table = OrderedDict()
        self._state_post: Table = OrderedDict()
        self._load_pre: Table = OrderedDict()
        self._load_post: Table = OrderedDict()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter by its gradient; every optimizer defines its own."""
        raise NotImplementedError(f"{type(self).__name__} does not define step()")

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget every parameter's gradient, or fill it with zeros."""
        for group in self.param_groups:
            for p in group["params"]:
                clear_grad(p, set_to_none)

    # -- groups ---------------------------------------------------------------------------------

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters with options of their own, for example layers unfrozen later.

        Raises ``TypeError`` or ``ValueError`` for what cannot be optimized or already is.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params, names = _listed(param_group["params"])
        for p in params:
            _check_parameter(p, bool(self.defaults.get("differentiable")))
        group = param_group  # the caller's own, who may go on changing it
        group["params"] = params
        if names:
            group["param_names"] = names
        for name, default in self.defaults.items():
            if default is required and name not in group:
                raise ValueError(
                    "parameter group didn't specify a value of required optimization parameter "
                    f"{name}"
                )
            group.setdefault(name, default)
        self._check_new(group)
        self.param_groups.append(group)

    def _check_new(self, group: dict[str, Any]) -> None:
        own = {id(p) for p in group["params"]}
        if len(own) != len(group["params"]):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; pass each once",
                stacklevel=4,
            )
        if any(id(p) in own for other in self.param_groups for p in other["params"]):
            raise ValueError("some parameters appear in more than one parameter group")
        if any(("param_names" in other) != ("param_names" in group) for other in self.param_groups):
            raise ValueError(
                "all optimizer param groups should be with/without names: name the parameters of "
                "every group or of none"
            )

    # -- state ----------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """State and groups, with parameters told by their position; tensors are not copied."""
        for hook in self._state_pre.values():
            hook(self)
        position: dict[int, int] = {}
        for group in self.param_groups:
            for p in group["params"]:
                position.setdefault(id(p), len(position))
        groups = [
            {
                **{name: value for name, value in group.items() if name != "params"},
                "params": [position[id(p)] for p in group["params"]],
            }
            for group in self.param_groups
        ]
        state = {position.get(id(p), p): value for p, value in self.state.items()}
        out: dict[str, Any] = {"state": state, "param_groups": groups}
        for hook in self._state_post.values():
            out = hook(self, out) or out
        return out

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a copy of a state and the options of its groups.

        Raises ``ValueError`` when groups or parameters do not match in number.
        """
        state_dict = dict(state_dict)
        for hook in self._load_pre.values():
            state_dict = hook(self, state_dict) or state_dict
        saved = state_dict["param_groups"]
        if len(saved) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        pairs = list(zip(self.param_groups, saved, strict=True))
        if any(len(own["params"]) != len(its["params"]) for own, its in pairs):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of "
                "optimizer's group"
            )
        parameter = {
            key: p
            for own, its in pairs
            for key, p in zip(its["params"], own["params"], strict=True)
        }
        state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        for key, value in state_dict["state"].items():
            p = parameter.get(key)
            state[key if p is None else p] = _copied(value, p)
        groups = [{**deepcopy(its), "params": own["params"]} for own, its in pairs]
        for group, own in zip(groups, self.param_groups, strict=True):
            if "param_names" in own and "param_names" not in group:
                group["param_names"] = own["param_names"]
        self.__setstate__({"state": state, "param_groups": groups})
        for hook in self._load_post.values():
            hook(self)

    def __getstate__(self) -> dict[str, Any]:
        return {
            "defaults": self.defaults,
            "state": self.state,
            "param_groups": self.param_groups,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if "_step_pre" not in self.__dict__:
            self._make_hooks()
        for group in self.param_groups:
            for name, default in self.defaults.items():
                group.setdefault(name, default)  # a state of before the option existed

    # -- hooks ----------------------------------------------------------------------------------

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` before a step; it may return new ones."""
        return register(self._step_pre, hook)

    def register_step_post_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` after a step."""
        return register(self._step_post, hook)

    def register_state_dict_pre_hook(
        self, hook: Callable[..., None], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(optimizer)`` before ``state_dict``."""
        return register(self._state_pre, hook, prepend)

    def register_state_dict_post_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` after ``state_dict``; it may return another."""
        return register(self._state_post, hook, prepend)

    def register_load_state_dict_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` before a load; it may return another."""
        return register(self._load_pre, hook, prepend)

    def register_load_state_dict_post_hook(
        self, hook: Callable[..., None], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(optimizer)`` after a load."""
        return register(self._load_post, hook, prepend)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines += ["", f"Parameter Group {i}"] if i else ["Parameter Group 0"]
            lines += [f"    {name}: {group[name]}" for name in sorted(group) if name != "params"]
        return "\n".join([*lines, ")"])


def _with_hooks(step: Callable[..., Any]) -> Callable[..., Any]:
    """``step`` with the hooks of the optimizer around it."""

    @functools.wraps(step)
    def hooked(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        self._stepped = True
        if not (self._step_pre or self._step_post or _all_step_pre or _all_step_post):
            return step(self, *args, **kwargs)
        args = (self, *args)  # as torch's hooks see them
        for hook in [*_all_step_pre.values(), *self._step_pre.values()]:
            changed = hook(self, args, kwargs)
            if changed is not None:
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    raise RuntimeError(
                        "a step pre-hook must return None or a tuple of (new_args, new_kwargs), "
                        f"but got {changed!r}"
                    )
                args, kwargs = changed
        result = step(*args, **kwargs)
        for hook in [*self._step_post.values(), *_all_step_post.values()]:
            hook(self, args, kwargs)
        return result

    return hooked


def run_closure(closure: Callable[[], Any] | None) -> Any:
    """The loss that ``closure`` computes, recorded whatever the grad mode; None without one."""
    if closure is None:
        return None
    with enable_grad():
        return closure()


def _listed(params: Any) -> tuple[list[Tensor], list[str]]:
    """The parameters of a group, and their names where they come in pairs."""
    if isinstance(params, Tensor):
        return [params], []
    if isinstance(params, set):
        raise TypeError(
            "optimizer parameters need to be organized in ordered collections, but the ordering "
            "of tensors in sets will change between runs. Please use a list instead."
        )
    params = list(params)
    names = [p[0] for p in params if isinstance(p, tuple)]
    if names and len(names) != len(params):
        raise ValueError(
            "all optimizer params should be with/without names. Some param names are missing"
        )
    return [p[1] for p in params] if names else params, names


def _check_parameter(p: Any, differentiable: bool) -> None:
    if not isinstance(p, Tensor):
        raise TypeError(
            f"optimizer can only optimize Tensors, but one of the params is {type(p).__name__}"
        )
    if not (differentiable or p.is_leaf or p.retains_grad):
        raise ValueError("can't optimize a non-leaf Tensor")


def _copied(value: Any, p: Tensor | None, key: str = "") -> Any:
    """A copy of a state; its floating tensors, but for the step count, get p's dtype."""
    if isinstance(value, Tensor):
        value = value.detach().clone()
        cast = p is not None and key != "step" and p.is_floating_point()
        return value.to(p.dtype) if cast and p is not None else value
    if isinstance(value, dict):
        return {k: _copied(v, p, k) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value)([_copied(v, p, key) for v in value])
    return deepcopy(value)
