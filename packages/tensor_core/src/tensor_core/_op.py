"""The op: a NumPy function, its derivative, and the only way onto the tape.

``@op(...)`` makes an :class:`Op` of a function whose arrays stand before ``/`` and whose
parameters stand after it. ``@name.vjp`` attaches its vector-Jacobian product. The parameter
names of that rule are its save list: ``g`` is the cotangent, ``y`` the output, any other name
is an argument of the forward function, its shape (``x_shape``, which keeps no array alive) or an
intermediate declared in ``keeps``. Signatures are read once, here; nothing is looked up by name
afterwards.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from . import _dtypes
from ._calls import F32, F64, way_in
from ._card import Cases, card
from ._grad_mode import mode
from ._node import MultiNode, Node, Select
from ._plan import Plan, Rule
from ._special import special
from ._tensor import Tensor, records, wrap

NO_GRAD, SEVERAL, CUSTOM = 1, 2, 3  # why a view is not to be changed under autograd
_KEYWORDS = {"axis": "dim", "keepdims": "keepdim"}  # NumPy's spellings, which torch takes too


class Op:
    """A differentiable function of arrays. Call it with Tensors; see the module's docstring.

    Attributes:
        name, torch: its name, and the dotted name of torch's equal below ``torch.``.
        cases: a function of a NumPy generator that yields the :class:`Case` s to check.
        kinks: where the function has no derivative, in words; ``None`` if it always has one.
        fuses: the composition a fused op stands for; its higher derivatives go through it.
        view: whether the result shares its input's memory (``"maybe"``: if it can).
        forgets: whether the first array is only overwritten; its values do not matter.
        row_major: whether the result's rows lie one after another where NumPy would keep the
            input's order; torch lays the results of all but the pointwise ops like that.
        integers: what becomes of a Python integer beside an integer type: it wraps around
            (``_dtypes.wrapped``), must fit (``fitted``), or stays as it is (``None``).
        unmixed: arrays that keep their type while the others are brought to a common one.

    >>> import tensor_core as torch
    >>> torch.matmul, torch.tanh.torch
    (<op matmul(x, other)>, 'tanh')
    """

    __slots__ = ("__call__", "__dict__", "__weakref__")  # each op's call is a function of its own

    __call__: Callable[..., Any]

    def __init__(
        self,
        forward: Callable[..., Any],
        *,
        torch: str | None = None,
        cases: Cases | None = None,
        name: str | None = None,
        promote: str | None = None,
        view: bool | str = False,
        keeps: tuple[str, ...] = (),
        fuses: Callable[..., Any] | None = None,
        kinks: str | None = None,
        unmixed: tuple[str, ...] = (),
        forgets: bool = False,
        row_major: bool = False,
        integers: Callable[[int, Any], int] | None = _dtypes.wrapped,
    ) -> None:
        self.forward = forward
        self.name = self.__name__ = name or forward.__name__
        self.torch = torch
        self.cases: Cases = cases or (lambda rng: ())
        self.promote = promote
        self.view = view
        self.keeps = keeps
        self.fuses = fuses
        self.kinks = kinks
        self.forgets = forgets
        self.row_major = row_major
        self.integers = integers
        self.rules: tuple[Rule, ...] = ()
        self.check: Callable[[list[Any]], None] | None = None  # of operands of several types
        self.__doc__ = forward.__doc__
        self.__wrapped__ = forward
        self.__module__ = forward.__module__  # where doctest looks for the docstring's example
        parameters = list(inspect.signature(forward).parameters.values())
        self.names = tuple(p.name for p in parameters)
        self.defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
        self.n_arrays = sum(p.kind is p.POSITIONAL_ONLY for p in parameters)
        self.n_args = len(parameters)
        self._positions = tuple((i, 1 << i) for i in range(self.n_arrays))
        self.mixed = tuple(i for i in range(self.n_arrays) if self.names[i] not in unmixed)
        self.plans: dict[int, Plan] = {}
        self.tails = self._default_tails()
        self.__call__ = self._way_in()

    def _default_tails(self) -> dict[int, tuple[Any, ...]]:
        """The defaults that complete a call by the number of arguments given."""
        tails: dict[int, tuple[Any, ...]] = {}
        tail: tuple[Any, ...] = ()
        tails[len(self.names)] = ()
        for n in reversed(range(len(self.names))):
            if self.names[n] not in self.defaults:
                break
            tail = (self.defaults[self.names[n]], *tail)
            tails[n] = tail
        return tails

    def _way_in(self) -> Callable[..., Any]:
        """The shortest call for what the op takes."""
        return way_in(self) if self.n_arrays else self.general

    # -- definition -------------------------------------------------------------------------

    def vjp(self, rule: Callable[..., Any] | str) -> Any:
        """Attach the rule for all inputs, or with a name, the rule for that input alone."""
        if isinstance(rule, str):
            position = self.names.index(rule)
            return lambda fn: self._add(Rule(fn, position))
        return self._add(Rule(rule, 0 if self.n_arrays == 1 else None))

    def _add(self, rule: Rule) -> Rule:
        known = {*self.names, "y", *self.keeps, "needs"}
        known |= {f"{n}_shape" for n in self.names[: self.n_arrays]}
        unknown = [n for n in rule.names if n not in known]
        if unknown:
            raise TypeError(f"the rule of {self.name} names {unknown}, which it does not have")
        if "needs" in rule.names and rule.names[-1] != "needs":
            raise TypeError(f"the rule of {self.name} must name needs last")
        self.rules = (*self.rules, rule)
        return rule

    # -- the call ---------------------------------------------------------------------------

    def general(self, *args: Any, **kwargs: Any) -> Any:
        """The call with keywords, numbers, ``None`` or several types among its arguments."""
        if kwargs:
            out = kwargs.pop("out", None)
            args = self._bind(args, kwargs)
            if out is not None:
                return write_out(self.__call__(*args), out)
        elif len(args) != self.n_args:
            tail = self.tails.get(len(args))
            args = self._bind(args, kwargs) if tail is None else args + tail
        values = [*args]
        needs = 0
        first = None
        plain = True
        way = None
        for i, bit in self._positions:
            t = args[i]
            if isinstance(t, Tensor):
                if t._base is not None and t._seen != t._ver[0]:
                    t._sync()
                if t._rg:
                    needs |= bit
                values[i] = a = t._a
                if a.dtype is not first:
                    plain = plain and first is None
                    first = a.dtype
            elif not (t is None or type(t) is float or type(t) is int):
                plain = False
        if (first is not F32 and first is not F64) or not plain:
            replaced = self._prepare(args)
            if replaced is not None:
                return self.__call__(*replaced)
            way = special(values)
        try:
            result = self.forward(*values) if way is None else way.compute(self, values)
        except (ValueError, TypeError) as error:
            raise self.explained(error, values) from None
        out = self.finish(result, values, args, needs)
        if way is not None:
            way.adapt(self, out)
        return out

    def finish(self, result: Any, values: list[Any], args: tuple[Any, ...], needs: int) -> Any:
        """The forward function's result as a Tensor, recorded if an input needs a gradient.

        ``values`` are the arguments with arrays for Tensors; bit *i* of ``needs`` is input *i*.
        """
        if type(result) is not np.ndarray:
            if type(result) is tuple:
                return self._several(result, values, args, needs)
            result = np.asarray(result)
        if self.row_major and not result.flags.c_contiguous:
            result = np.ascontiguousarray(result)
        out = wrap(result)
        if self.view:
            _make_view(out, args[0], self, args)
        if needs and mode.enabled and self.rules:
            self._record(out, values, args, needs)
        return out

    def _record(self, out: Tensor, values: list[Any], args: tuple[Any, ...], needs: int) -> None:
        if records(self.name, out._a):
            values.append(out._a)
            plan = self.plans.get(needs) or self.plan(needs)
            out._node = plan.record(Node, out._ver, *args[: self.n_arrays], *values)
            out._rg = True

    def plan(self, needs: int) -> Plan:
        """How a call is recorded of whose inputs those in ``needs`` want gradients; made once."""
        plan = Plan(self, tuple(i for i, bit in self._positions if needs & bit))
        self.plans[needs] = plan
        return plan

    def _several(
        self, results: tuple[Any, ...], values: list[Any], args: tuple[Any, ...], needs: int
    ) -> Any:
        """Wrap several outputs, or one output and the intermediates its rule asked for."""
        n = len(results) - len(self.keeps)
        alone = n == 1 and bool(self.keeps)  # a split into one part is still a tuple
        arrays = tuple(np.asarray(r) for r in results[:n])
        outs = tuple(wrap(a) for a in arrays)
        if self.view:
            for k, out in enumerate(outs):
                _make_view(out, args[0], self, args, k)
        if needs and mode.enabled and self.rules:
            values.append(arrays[0] if alone else arrays)
            values.extend(results[n:])
            plan = self.plans.get(needs) or self.plan(needs)
            node = plan.record(Node if alone else MultiNode, [0], *args[: self.n_arrays], *values)
            if plan.keeps_y:
                node.cells.extend([out._ver for out in outs])
                node.mark += sum(out._ver[0] for out in outs)
            node.outputs = tuple((a.shape, a.dtype) for a in arrays)
            for k, out in enumerate(outs):
                if records(self.name, arrays[k]):
                    out._node = node if alone else Select(node, k)
                    out._rg = True
        return outs[0] if alone else outs

    def explained(self, error: Exception, values: list[Any]) -> Exception:
        """NumPy's complaint about shapes or types as torch's kind of error, with them named."""
        if str(error).startswith("ufunc"):
            kinds = [str(a.dtype) for a in values[: self.n_arrays] if isinstance(a, np.ndarray)]
            return NotImplementedError(f"{self.name}: not implemented for {' and '.join(kinds)}")
        if not str(error).startswith("operands could not be broadcast"):
            return error
        shapes = [a.shape for a in values[: self.n_arrays] if isinstance(a, np.ndarray)]
        return RuntimeError(
            f"{self.name}: shapes {' and '.join(map(str, shapes))} do not broadcast: sizes must "
            "match or be 1, counted from the last dimension"
        )

    # -- arguments --------------------------------------------------------------------------

    def _bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """All arguments by position, defaults filled in."""
        names = self.names
        if len(args) > len(names):
            raise TypeError(
                f"{self.name}() takes at most {len(names)} arguments "
                f"({', '.join(names)}), but {len(args)} were given"
            )
        values = list(args)
        for name in names[len(args) :]:
            if name in kwargs:
                values.append(kwargs.pop(name))
            elif name == names[0] and "input" in kwargs:
                values.append(kwargs.pop("input"))
            elif name in self.defaults:
                values.append(self.defaults[name])
            else:
                other = next((a for a, b in _KEYWORDS.items() if b == name and a in kwargs), None)
                if other is None:
                    raise TypeError(f"{self.name}() is missing its argument {name!r}")
                values.append(kwargs.pop(other))
        for key in list(kwargs):
            name = _KEYWORDS.get(key, key)
            if name in names[len(args) :] and key != name:
                values[names.index(name)] = kwargs.pop(key)
        if kwargs:
            key = next(iter(kwargs))
            clash = "twice" if key in names else f"; it takes {', '.join(names)}"
            raise TypeError(f"{self.name}() got an unexpected argument {key!r}{clash}")
        return tuple(values)

    def _prepare(self, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """Arguments of one type as torch mixes them; ``None`` if they are fine as they are."""
        changed = False
        values = list(args)
        tensors = 0
        for i, _ in self._positions:
            t = values[i]
            if isinstance(t, Tensor):
                tensors += 1
            elif isinstance(t, np.ndarray):
                values[i] = wrap(t)
                tensors += 1
                changed = True
            elif isinstance(t, np.generic):
                values[i] = t.item()
                changed = True
            elif not (t is None or isinstance(t, int | float | complex)):
                raise TypeError(
                    f"{self.name}(): argument {self.names[i]!r} must be Tensor, "
                    f"not {type(t).__name__}"
                )
        if not tensors and self.n_arrays:
            raise TypeError(
                f"{self.name}(): argument {self.names[0]!r} must be Tensor, "
                f"not {type(args[0]).__name__}"
            )
        if self.promote is not None:
            changed = self._promote(values) or changed
        return tuple(values) if changed else None

    def _promote(self, values: list[Any]) -> bool:
        operands = [
            v._a if isinstance(v, Tensor) else v
            for v in (values[i] for i in self.mixed)
            if v is not None
        ]
        if self.check is not None:
            self.check(operands)
        target = _dtypes.result_numpy(operands)
        if self.promote == "float" and target.kind not in _dtypes.DIFFERENTIABLE:
            target = _dtypes.get_default_dtype().numpy
        changed = False
        for i in self.mixed:
            t = values[i]
            if isinstance(t, Tensor):
                # beside halves a 0-d array counts as a number: it is not rounded first
                if t._a.dtype != target and (t._a.ndim or target not in _dtypes.HALVES):
                    values[i] = t.to(_dtypes.BY_NUMPY[target])
                    changed = True
            elif isinstance(t, bool) and target.kind != "b":
                values[i] = int(t)
                changed = True
            elif type(t) is int and target.kind in "iu" and self.integers is not None:
                values[i] = number = self.integers(t, target)
                changed = changed or number != t
        return changed

    # -- inside rules -----------------------------------------------------------------------

    def plain(self, *args: Any, **kwargs: Any) -> Any:
        """The op on arrays or Tensors alike, for use inside rules: arrays in, arrays out."""
        if any(isinstance(a, Tensor) for a in args):
            return self.__call__(*args, **kwargs)
        return self.forward(*args, **kwargs)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        return lambda *args, **kwargs: self.__call__(instance, *args, **kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        return card, (self.name,)

    def __repr__(self) -> str:
        return f"<op {self.name}({', '.join(self.names)})>"


def _make_view(
    out: Tensor, source: Tensor, op: Op, args: tuple[Any, ...], index: int | None = None
) -> None:
    """Note that ``out`` shares the memory of ``source``, and how to make it again."""
    if op.view == "maybe" and not np.may_share_memory(out._a, source._a):
        return
    out._ver = source._ver
    out._seen = source._ver[0]
    out._untracked = SEVERAL if index is not None else 0 if mode.enabled else NO_GRAD
    if source._base is not None and source._untracked:
        out._untracked = source._untracked
    step = (op, args[1:], index)
    if source._base is None:
        out._base = source
        out._replay = (step,)
    else:
        out._base = source._base
        out._replay = (*source._replay, step)


def write_out(result: Tensor, out: Tensor) -> Tensor:
    if result._rg or (out._rg and mode.enabled):
        raise RuntimeError(
            "functions with out=... arguments don't support automatic differentiation"
        )
    if result.dtype.category > out.dtype.category:
        raise RuntimeError(
            f"result type {result.dtype.name} can't be cast to the desired output type "
            f"{out.dtype.name}"
        )
    if out._a.shape != result._a.shape:
        if out._a.size:
            raise RuntimeError(
                f"out has shape {tuple(out._a.shape)}, but the result has {tuple(result._a.shape)}"
            )
        out._a = np.empty(result._a.shape, out._a.dtype)
    out._a[...] = result._a
    out._bump()
    return out
