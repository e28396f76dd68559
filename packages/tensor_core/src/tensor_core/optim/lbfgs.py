"""L-BFGS: Newton's direction from the last gradients, with memory for a few of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._creation import zeros_like
from .._grad_mode import enable_grad, no_grad
from .._tensor import Tensor
from ..ops import cat, view_as_real
from ._check import check, check_rate
from ._line_search import Point, StrongWolfe
from .optimizer import Optimizer, Params

_CURVED = 1e-10  # a pair of less curvature would spoil the approximation


class LBFGS(Optimizer):
    """Limited-memory BFGS over all parameters as one vector; ``step`` wants a closure.

    A step makes up to ``max_iter`` iterations and ``max_eval`` calls of the closure (1.25 times
    ``max_iter`` if not given), of rate ``lr`` each, or as long as ``line_search_fn="strong_wolfe"``
    finds best. There can be one group only. Raises ``ValueError`` for more.
    Source: Nocedal and Wright 2006, algorithms 7.4 and 7.5.

    >>> import tensor_core as torch
    >>> w = torch.tensor([3.0, -2.0], requires_grad=True)
    >>> optimizer = torch.optim.LBFGS([w], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = ((w - 1) ** 2).sum()
    ...     loss.backward()
    ...     return loss
    >>> optimizer.step(closure).item(), w.detach().round(decimals=3)
    (13.0, tensor([1., 1.]))
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_rate(lr)
        check("learning rate", lr)
        options = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, options)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    @no_grad()
    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Minimise what ``closure`` computes; returns its first loss."""
        run = _Run(self.param_groups[0], closure, self.state[self.param_groups[0]["params"][0]])
        return run.loss_before if run.flat else run.iterate()


class _Run:
    """One call of ``step``: the closure, the vector of all parameters and what is remembered."""

    def __init__(
        self, group: dict[str, Any], closure: Callable[[], Any], state: dict[str, Any]
    ) -> None:
        self.group = group
        self.params = [view_as_real(p) if p.is_complex() else p for p in group["params"]]
        self.originals: list[Tensor] = group["params"]
        self.closure = enable_grad()(closure)
        self.state = state
        lr = group["lr"]
        self.lr = lr.squeeze() if isinstance(lr, Tensor) and lr.dim() != 0 else lr
        for name in ("func_evals", "n_iter"):
            state.setdefault(name, 0)
        self.loss_before = self.closure()
        self.loss = float(self.loss_before)
        self.grad = self.flat_grad()
        self.evaluations = 1
        state["func_evals"] += 1

    @property
    def flat(self) -> bool:
        """Whether no part of the gradient is larger than the tolerance."""
        return bool(self.grad.abs().max() <= self.group["tolerance_grad"])

    def iterate(self) -> Any:
        """Iterate until something is small enough or used up, and remember how far it got."""
        state, group = self.state, self.group
        names = ("d", "t", "old_dirs", "old_stps", "ro", "H_diag", "prev_flat_grad", "prev_loss")
        memory: dict[str, Any] = {name: state.get(name) for name in names}
        for n in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            self._turn(memory)
            memory["prev_flat_grad"] = _written(memory["prev_flat_grad"], self.grad)
            memory["prev_loss"] = self.loss
            slope = self.grad.dot(memory["d"])
            memory["t"] = self._first_step()
            if slope > -group["tolerance_change"]:
                break
            is_flat = self._move(memory, slope, last=n == group["max_iter"])
            if n == group["max_iter"] or self.evaluations >= group["max_eval"] or is_flat:
                break
            if memory["d"].mul(memory["t"]).abs().max() <= group["tolerance_change"]:
                break
            if abs(self.loss - memory["prev_loss"]) < group["tolerance_change"]:
                break
        state.update(memory)
        return self.loss_before

    def _turn(self, memory: dict[str, Any]) -> None:
        """Take up the newest pair of step and change of gradient; set the direction."""
        if self.state["n_iter"] == 1:
            memory.update(d=self.grad.neg(), old_dirs=[], old_stps=[], ro=[], H_diag=1)
            return
        y = self.grad.sub(memory["prev_flat_grad"])
        s = memory["d"].mul(memory["t"])
        ys = y.dot(s)
        if ys > _CURVED:
            if len(memory["old_dirs"]) == self.group["history_size"]:
                for name in ("old_dirs", "old_stps", "ro"):
                    memory[name].pop(0)
            memory["old_dirs"].append(y)
            memory["old_stps"].append(s)
            memory["ro"].append(1.0 / ys)
            memory["H_diag"] = ys / y.dot(y)
        memory["d"] = self._direction(memory)

    def _direction(self, memory: dict[str, Any]) -> Tensor:
        """Minus the inverse Hessian times the gradient, by two loops over the pairs."""
        changes, steps, ro = memory["old_dirs"], memory["old_stps"], memory["ro"]
        al = self.state.setdefault("al", [None] * self.group["history_size"])
        q = self.grad.neg()
        for i in reversed(range(len(changes))):
            al[i] = steps[i].dot(q) * ro[i]
            q.add_(changes[i], alpha=-float(al[i]))
        r: Tensor = q * memory["H_diag"]
        for i, step in enumerate(steps):
            be = changes[i].dot(r) * ro[i]
            r.add_(step, alpha=float(al[i] - be))
        return r

    def _first_step(self) -> Any:
        if self.state["n_iter"] == 1:
            return min(1.0, 1.0 / self.grad.abs().sum()) * self.lr
        return self.lr

    def _move(self, memory: dict[str, Any], slope: Tensor, last: bool) -> bool:
        """Move the parameters, and evaluate there; returns whether the gradient vanishes."""
        calls, is_flat = 0, False
        if self.group["line_search_fn"] is not None:
            calls = self._search(memory, slope)
            self.add(memory["t"], memory["d"])
            is_flat = self.flat
        else:
            self.add(memory["t"], memory["d"])
            if not last:  # nobody needs the loss after the last
                self.loss = float(self.closure())
                self.grad = self.flat_grad()
                calls, is_flat = 1, self.flat
        self.evaluations += calls
        self.state["func_evals"] += calls
        return is_flat

    def _search(self, memory: dict[str, Any], slope: Tensor) -> int:
        if self.group["line_search_fn"] != "strong_wolfe":
            raise RuntimeError("only 'strong_wolfe' is supported")
        here, d = [p.clone() for p in self.params], memory["d"]

        def evaluate(t: Any) -> Point:
            self.add(t, d)
            loss = float(self.closure())
            grad = self.flat_grad()
            for p, value in zip(self.params, here, strict=True):
                p.copy_(value)
            return Point(t, loss, grad, grad.dot(d))

        start = Point(0, self.loss, self.grad, slope)
        limit = self.group["max_eval"] - self.evaluations
        search = StrongWolfe(evaluate, start, d.abs().max(), self.group["tolerance_change"], limit)
        found = search.run(memory["t"])
        self.loss, self.grad, memory["t"] = found.loss, found.grad, found.t
        return search.evaluations

    def flat_grad(self) -> Tensor:
        """All gradients as one vector of its own; zeros where there is none. Shape: (n,)."""
        parts = []
        for p in self.originals:
            g = zeros_like(p) if p.grad is None else p.grad
            g = view_as_real(g) if g.is_complex() else g
            parts.append(g.reshape(-1))
        return cat(parts).clone() if len(parts) == 1 else cat(parts)

    def add(self, t: Any, d: Tensor) -> None:
        """Move the parameters by ``t`` times the direction. Shape: d (n,)."""
        start = 0
        for p in self.params:
            p.add_(d[start : start + p.numel()].view_as(p), alpha=float(t))
            start += p.numel()


def _written(target: Tensor | None, value: Tensor) -> Tensor:
    """``value`` in the memory of ``target``, or in memory of its own."""
    return value.clone() if target is None else target.copy_(value)
