"""What processes do together, for one process: results are its own values.

Sums, averages and extremes of one value are that value. Each function copies what torch copies,
returns ``None``, or with ``async_op=True`` a handle whose work is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._grad_mode import no_grad
from .._tensor import Tensor
from ._group import ReduceOp, member


class Work:
    """Work that has ended.

    >>> Work().wait()
    True
    """

    def wait(self, timeout: Any = None) -> bool:
        """True at once."""
        return True

    def is_completed(self) -> bool:
        """Whether it has ended: yes."""
        return True

    def is_success(self) -> bool:
        """Whether it went well: yes."""
        return True

    def get_future(self) -> Any:
        """Itself, which is done."""
        return self


def _done(async_op: bool) -> Work | None:
    return Work() if async_op else None


def _check(tensor: Any, name: str, op: str) -> None:
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{op}: parameter `{name}` must be a Tensor, not {type(tensor).__name__}")


def _check_list(tensors: Any, name: str, op: str) -> None:
    if not isinstance(tensors, list | tuple) or not all(isinstance(t, Tensor) for t in tensors):
        raise TypeError(f"{op}: parameter `{name}` must be a list of Tensors")
    if len(tensors) != 1:
        raise RuntimeError(f"{op}: `{name}` has {len(tensors)} tensors, but the world 1 process")


def _check_root(rank: int | None, op: str) -> None:
    if rank not in (None, 0):
        raise RuntimeError(f"{op}: rank {rank} is not in a world of 1 process")


def _copy(target: Tensor, source: Tensor, op: str) -> None:
    if target.shape != source.shape:
        raise RuntimeError(
            f"{op}: the output has shape {tuple(target.shape)}, expected {tuple(source.shape)}"
        )
    if target.dtype is not source.dtype:
        raise RuntimeError(f"{op}: the output is of {target.dtype}, the input of {source.dtype}")
    with no_grad():
        target.copy_(source.detach())


def all_reduce(
    tensor: Tensor, op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False
) -> Work | None:
    """Combine the tensors of all processes, in place: one process's stays as it is.

    >>> import tensor_core as torch
    >>> torch.distributed.init_process_group("gloo", rank=0, world_size=1)
    >>> x = torch.tensor([1.0, 2.0])
    >>> torch.distributed.all_reduce(x, op=torch.distributed.ReduceOp.AVG)
    >>> x
    tensor([1., 2.])
    >>> torch.distributed.destroy_process_group()
    """
    _check(tensor, "tensor", "all_reduce")
    member(group)
    return _done(async_op)


def reduce(
    tensor: Tensor,
    dst: int | None = None,
    op: Any = ReduceOp.SUM,
    group: Any = None,
    async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:
    """Combine the tensors of all processes at one of them, in place."""
    _check(tensor, "tensor", "reduce")
    member(group)
    _check_root(dst, "reduce")
    return _done(async_op)


def broadcast(
    tensor: Tensor,
    src: int | None = None,
    group: Any = None,
    async_op: bool = False,
    group_src: int | None = None,
) -> Work | None:
    """Give all processes the tensor of one."""
    _check(tensor, "tensor", "broadcast")
    member(group)
    _check_root(src, "broadcast")
    return _done(async_op)


def barrier(
    group: Any = None, async_op: bool = False, device_ids: Any = None, timeout: Any = None
) -> Work | None:
    """Wait for all processes: nobody else is awaited."""
    member(group)
    return _done(async_op)


def monitored_barrier(group: Any = None, timeout: Any = None, wait_all_ranks: bool = False) -> None:
    """Wait for all processes: nobody else is awaited."""
    member(group)


def all_gather(
    tensor_list: list[Tensor], tensor: Tensor, group: Any = None, async_op: bool = False
) -> Work | None:
    """Copy every process's tensor into a list of tensors, one for each process."""
    _check(tensor, "tensor", "all_gather")
    member(group)
    _check_list(tensor_list, "tensor_list", "all_gather")
    _copy(tensor_list[0], tensor, "all_gather")
    return _done(async_op)


def all_gather_into_tensor(
    output_tensor: Tensor, input_tensor: Tensor, group: Any = None, async_op: bool = False
) -> Work | None:
    """Copy every process's tensor into one, one below the other."""
    _check(output_tensor, "output_tensor", "all_gather_into_tensor")
    _check(input_tensor, "input_tensor", "all_gather_into_tensor")
    member(group)
    _copy(output_tensor, input_tensor, "all_gather_into_tensor")
    return _done(async_op)


def reduce_scatter(
    output: Tensor,
    input_list: list[Tensor],
    op: Any = ReduceOp.SUM,
    group: Any = None,
    async_op: bool = False,
) -> Work | None:
    """Combine lists of tensors, of which every process keeps its own."""
    _check(output, "output", "reduce_scatter")
    member(group)
    _check_list(input_list, "input_list", "reduce_scatter")
    _copy(output, input_list[0], "reduce_scatter")
    return _done(async_op)


def reduce_scatter_tensor(
    output: Tensor,
    input: Tensor,
    op: Any = ReduceOp.SUM,
    group: Any = None,
    async_op: bool = False,
) -> Work | None:
    """Combine tensors, of which every process keeps its part."""
    _check(output, "output", "reduce_scatter_tensor")
    _check(input, "input", "reduce_scatter_tensor")
    member(group)
    _copy(output, input, "reduce_scatter_tensor")
    return _done(async_op)


def gather(
    tensor: Tensor,
    gather_list: list[Tensor] | None = None,
    dst: int | None = None,
    group: Any = None,
    async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:
    """Copy every process's tensor into a list at one of them."""
    _check(tensor, "tensor", "gather")
    member(group)
    _check_root(dst, "gather")
    if gather_list is None:
        raise ValueError("Argument ``gather_list`` must be specified on destination rank.")
    _check_list(gather_list, "gather_list", "gather")
    _copy(gather_list[0], tensor, "gather")
    return _done(async_op)


def scatter(
    tensor: Tensor,
    scatter_list: list[Tensor] | None = None,
    src: int | None = None,
    group: Any = None,
    async_op: bool = False,
    group_src: int | None = None,
) -> Work | None:
    """Copy one process's list of tensors to all, one to each."""
    _check(tensor, "tensor", "scatter")
    member(group)
    _check_root(src, "scatter")
    if scatter_list is None:
        raise ValueError("Argument ``scatter_list`` must be specified on source rank.")
    _check_list(scatter_list, "scatter_list", "scatter")
    _copy(tensor, scatter_list[0], "scatter")
    return _done(async_op)


def all_to_all(
    output_tensor_list: list[Tensor],
    input_tensor_list: list[Tensor],
    group: Any = None,
    async_op: bool = False,
) -> Work | None:
    """Every process gives every process a tensor."""
    member(group)
    _check_list(output_tensor_list, "output_tensor_list", "all_to_all")
    _check_list(input_tensor_list, "input_tensor_list", "all_to_all")
    _copy(output_tensor_list[0], input_tensor_list[0], "all_to_all")
    return _done(async_op)


def all_to_all_single(
    output: Tensor,
    input: Tensor,
    output_split_sizes: Sequence[int] | None = None,
    input_split_sizes: Sequence[int] | None = None,
    group: Any = None,
    async_op: bool = False,
) -> Work | None:
    """Every process gives every process a part of a tensor."""
    member(group)
    _copy(output, input, "all_to_all_single")
    return _done(async_op)


def all_gather_object(object_list: list[Any], obj: Any, group: Any = None) -> None:
    """Put every process's object into a list."""
    member(group)
    object_list[0] = obj


def gather_object(
    obj: Any,
    object_gather_list: list[Any] | None = None,
    dst: int | None = None,
    group: Any = None,
    group_dst: int | None = None,
) -> None:
    """Put every process's object into a list at one of them."""
    member(group)
    _check_root(dst, "gather_object")
    if object_gather_list is None:
        raise ValueError("Argument ``object_gather_list`` must be specified on destination rank.")
    object_gather_list[0] = obj


def broadcast_object_list(
    object_list: list[Any],
    src: int | None = None,
    group: Any = None,
    device: Any = None,
    group_src: int | None = None,
) -> None:
    """Give all processes the objects of one."""
    member(group)
    _check_root(src, "broadcast_object_list")


def scatter_object_list(
    scatter_object_output_list: list[Any],
    scatter_object_input_list: list[Any] | None = None,
    src: int | None = None,
    group: Any = None,
    group_src: int | None = None,
) -> None:
    """Give every process one of a process's objects."""
    member(group)
    _check_root(src, "scatter_object_list")
    if not scatter_object_input_list:
        raise ValueError("Expected argument scatter_object_input_list to be specified")
    scatter_object_output_list[0] = scatter_object_input_list[0]


def _alone(name: str, kind: str) -> Any:
    raise ValueError(
        f"torch.distributed.{name}: there is no other process as {kind}: the world is this one"
    )


def send(
    tensor: Tensor, dst: int | None = None, group: Any = None, tag: int = 0,
    group_dst: int | None = None,
) -> None:  # fmt: skip
    """Send a tensor to another process; raises ValueError, since there is none."""
    member(group)
    _alone("send", "destination")


def recv(
    tensor: Tensor, src: int | None = None, group: Any = None, tag: int = 0,
    group_src: int | None = None,
) -> int:  # fmt: skip
    """Receive a tensor from another process; raises ValueError, since there is none."""
    member(group)
    return _alone("recv", "source")


def isend(
    tensor: Tensor, dst: int | None = None, group: Any = None, tag: int = 0,
    group_dst: int | None = None,
) -> Work:  # fmt: skip
    """Send a tensor to another process; raises ValueError, since there is none."""
    member(group)
    return _alone("isend", "destination")


def irecv(
    tensor: Tensor, src: int | None = None, group: Any = None, tag: int = 0,
    group_src: int | None = None,
) -> Work:  # fmt: skip
    """Receive a tensor from another process; raises ValueError, since there is none."""
    member(group)
    return _alone("irecv", "source")
