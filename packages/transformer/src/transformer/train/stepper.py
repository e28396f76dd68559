"""One optimizer step over one batch, computed by one or more workers in one or more pieces."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from transformer._engine import nn, torch
from transformer.models.base import IGNORE
from transformer.train.memory import keep_freed_memory
from transformer.train.parallel import Team
from transformer.train.randomness import ON_TORCH, draws_seeded, mixed_seed

Gradients = list[Any]  # one tensor a parameter, None where the loss does not depend on it


class NonFiniteLoss(ArithmeticError):
    """The loss or its gradient is infinite or not a number; the weights were left as they were.

    >>> print(NonFiniteLoss(float("nan"), 3.5, lr=0.1))
    the loss is nan and the gradient's norm 3.5 at learning rate 0.1
    """

    def __init__(self, loss: float, grad_norm: float, lr: float) -> None:
        super().__init__(
            f"the loss is {loss} and the gradient's norm {grad_norm} at learning rate {lr:.3g}"
        )
        self.loss, self.grad_norm, self.lr = loss, grad_norm, lr


class Stepper:
    """Forward, backward, clip and update, as often as :meth:`step` is called.

    The batch is cut into ``workers`` slices, one a thread, and each slice into ``accumulate``
    pieces, computed one after another. Every piece's gradient counts in proportion to its targets
    that count, and they are added in a fixed order: the result equals the whole batch's up to
    rounding, and is the same, bit for bit, every time. ``grad_clip`` is the longest gradient
    allowed, as the 2-norm over all parameters (Pascanu, Mikolov and Bengio 2013); 0 never clips.
    Among several processes each takes its part of the very same batch.

    Close it, or use it in a ``with``, to end its threads.

    >>> from transformer.models import build_model
    >>> model = build_model("bigram", vocab_size=4)
    >>> x, y = torch.tensor([[0, 1, 2]]), torch.tensor([[1, 2, 3]])
    >>> with Stepper(model, torch.optim.SGD(model.parameters(), lr=1.0)) as stepper:
    ...     (before, _), (after, _) = stepper.step(x, y), stepper.step(x, y)
    >>> after < before
    True
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        grad_clip: float = 1.0,
        workers: int = 1,
        accumulate: int = 1,
        seed: int = 0,
    ) -> None:
        self.model, self.optimizer = model, optimizer
        self.grad_clip = grad_clip or float("inf")
        self.accumulate, self.seed = accumulate, seed
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        keep_freed_memory()
        self.team = Team(workers)
        self.count = 0  # steps taken: decides what dropout draws

    def step(self, x: torch.Tensor, y: torch.Tensor) -> tuple[float, float]:
        """Learn from token ids ``x`` and the ids that follow them ``y``, both (B, T).

        Returns the mean loss in nats per token and the gradient's norm before clipping. Raises
        ``NonFiniteLoss``, before anything is updated, when either is infinite or not a number.

        >>> from transformer.models import build_model
        >>> model = build_model("bigram", vocab_size=4)
        >>> stepper = Stepper(model, torch.optim.SGD(model.parameters(), lr=0.0))
        >>> loss, norm = stepper.step(torch.tensor([[0, 1]]), torch.tensor([[1, IGNORE]]))
        >>> loss > 0, norm > 0
        (True, True)
        """
        counts = (y != IGNORE).sum(dim=1).tolist()  # of each row
        cuts = equal_cuts(len(x), self.team.size)

        def work(worker: int) -> tuple[float, Gradients]:
            start, end = cuts[worker], cuts[worker + 1]
            with draws_seeded(mixed_seed(self.seed, self.count, worker)):
                return self._gradients(x, y, counts, start, end)

        results = self.team.run(work)
        loss = sum(share for share, _ in results)
        return loss, self._update(loss, self._together([shares for _, shares in results]))

    def close(self) -> None:
        """End the worker threads."""
        self.team.close()

    def __enter__(self) -> "Stepper":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _gradients(
        self, x: torch.Tensor, y: torch.Tensor, counts: list[int], first: int, after: int
    ) -> tuple[float, Gradients]:
        """Return the share of rows ``first`` to ``after`` in the batch's loss and gradients.

        ``autograd.grad`` rather than ``backward``: threads must not add to the same ``.grad``.
        """
        total, whole = 0.0, sum(counts)
        shares: list[Gradients] = [[None] * len(self.parameters)]
        cuts = equal_cuts(after - first, max(1, min(self.accumulate, after - first)))
        for start, end in pairwise(first + cut for cut in cuts):
            counted = sum(counts[start:end])
            if not counted:  # its mean would be 0 / 0
                continue
            _, loss = self.model(x[start:end], y[start:end])
            if counted != whole:
                loss = loss * (counted / whole)
            shares.append(list(torch.autograd.grad(loss, self.parameters, allow_unused=True)))
            total += loss.item()
            shares = [_sum(shares)]  # hold two pieces' gradients at most, whatever accumulate is
        return total, shares[0]

    def _together(self, shares: list[Gradients]) -> Gradients:
        """Add the workers' gradients up, each worker some of the parameters."""
        n = len(shares)
        if n == 1:
            return shares[0]
        total = list(shares[0])
        sums = self.team.run(lambda worker: _sum([share[worker::n] for share in shares]))
        for worker, part in enumerate(sums):
            total[worker::n] = part
        return total

    def _update(self, loss: float, gradients: Gradients) -> float:
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = gradient
        norm = float(nn.utils.clip_grad_norm_(self.parameters, self.grad_clip))
        if not (abs(loss) < float("inf") and norm < float("inf")):
            self.optimizer.zero_grad()
            raise NonFiniteLoss(loss, norm, self.optimizer.param_groups[0]["lr"])
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.count += 1
        return norm


def equal_cuts(length: int, pieces: int) -> list[int]:
    """Return where to cut ``length`` rows into ``pieces`` whose sizes differ by one at most.

    >>> equal_cuts(7, 3)
    [0, 2, 4, 7]
    """
    return [length * piece // pieces for piece in range(pieces + 1)]


def _sum(shares: Sequence[Gradients]) -> Gradients:
    """Add gradients up, parameter by parameter, always in the order given."""
    total = list(shares[0])
    with torch.no_grad():
        for share in shares[1:]:
            for index, gradient in enumerate(share):
                before = total[index]
                if before is None or gradient is None:
                    total[index] = gradient if before is None else before
                elif ON_TORCH:  # where two gradients may be one tensor
                    total[index] = before + gradient
                else:
                    before.add_(gradient)
    return total
