"""The process group: one process, which is the whole world."""

from __future__ import annotations

import os
import warnings
from datetime import timedelta
from enum import Enum
from typing import Any

from .._device import computing

default_pg_timeout = timedelta(seconds=1800)

_UNINITIALISED = (
    "Default process group has not been initialized, please make sure to call init_process_group."
)


class ReduceOp(Enum):
    """How the values of several processes become one; one process's values stay as they are.

    >>> import tensor_core as torch
    >>> torch.distributed.ReduceOp.AVG.name
    'AVG'
    """

    SUM = 0
    AVG = 1
    PRODUCT = 2
    MIN = 3
    MAX = 4
    BAND = 5
    BOR = 6
    BXOR = 7
    PREMUL_SUM = 8

    def __repr__(self) -> str:
        return f"<RedOpType.{self.name}: {self.value}>"


class Backend(str):
    """The name of what carries messages between processes, in small letters.

    >>> Backend("NCCL")
    'nccl'
    """

    GLOO = "gloo"
    NCCL = "nccl"
    MPI = "mpi"
    UCC = "ucc"
    XCCL = "xccl"
    UNDEFINED = "undefined"

    __slots__ = ()

    def __new__(cls, name: str) -> Backend:
        """The name in small letters."""
        return str.__new__(cls, name.lower())


class ProcessGroup:
    """A group of processes: this one alone."""

    def __init__(self, backend: str) -> None:
        self._backend = Backend(backend)

    def rank(self) -> int:
        """The number of this process: 0."""
        return 0

    def size(self) -> int:
        """How many processes there are: 1."""
        return 1

    def name(self) -> str:
        """The name of the backend."""
        return str(self._backend)


class GroupMember:
    """Whether this process is in a group; ``NON_GROUP_MEMBER`` stands for a group without it."""

    WORLD: ProcessGroup | None = None
    NON_GROUP_MEMBER = -100


class _World(type):
    @property
    def WORLD(cls) -> ProcessGroup | None:
        """The group of all processes; ``None`` before ``init_process_group``."""
        return GroupMember.WORLD


class group(metaclass=_World):
    """Holds ``group.WORLD``, the group of all processes."""


def is_available() -> bool:
    """Whether there is a ``distributed`` package: yes, for one process."""
    return True


def is_initialized() -> bool:
    """Whether :func:`init_process_group` was called.

    >>> import tensor_core as torch
    >>> torch.distributed.is_initialized()
    False
    """
    return GroupMember.WORLD is not None


def is_gloo_available() -> bool:
    """Whether the backend gloo is there; one process needs none."""
    return True


def is_nccl_available() -> bool:
    """Whether the backend nccl is there: no, there is no GPU."""
    return False


def is_mpi_available() -> bool:
    """Whether the backend mpi is there: no."""
    return False


def is_torchelastic_launched() -> bool:
    """Whether ``torchrun`` started this process."""
    return os.environ.get("TORCHELASTIC_RUN_ID") is not None


def init_process_group(
    backend: str | None = None,
    init_method: str | None = None,
    timeout: timedelta | None = None,
    world_size: int = -1,
    rank: int = -1,
    store: Any = None,
    group_name: str = "",
    pg_options: Any = None,
    device_id: Any = None,
    **more: Any,
) -> None:
    """Begin with a world of one process: ``world_size=1``, or ``WORLD_SIZE=1`` as torchrun sets.

    Raises:
        RuntimeError: the world has more processes. They are for PyTorch's own engine.
        ValueError: called twice, or neither arguments nor environment say rank and world size.

    >>> import tensor_core as torch
    >>> torch.distributed.init_process_group("gloo", rank=0, world_size=1)
    >>> torch.distributed.get_rank(), torch.distributed.get_world_size()
    (0, 1)
    >>> torch.distributed.destroy_process_group()
    """
    if GroupMember.WORLD is not None:
        raise ValueError("trying to initialize the default process group twice!")
    name = Backend(backend or "gloo")
    if name not in ("gloo", "nccl", "mpi", "ucc", "xccl", "fake") and ":" not in name:
        raise ValueError(f"Invalid backend: '{name}'")
    if init_method is not None and store is not None:
        raise ValueError("Cannot specify both init_method and store.")
    _check_alone(*_place(init_method, store, rank, world_size))
    if device_id is not None:
        computing(device_id)
    if "nccl" in name:
        warnings.warn(
            "the backend nccl is not there, and not needed: the world is this one process",
            UserWarning,
            stacklevel=2,
        )
    GroupMember.WORLD = ProcessGroup(name)


def _place(init_method: str | None, store: Any, rank: int, world_size: int) -> tuple[int, int]:
    """This process's rank and the size of the world, from the arguments or the environment."""
    if store is None and (init_method or "env://").startswith("env://"):
        rank = _from_environment("RANK") if rank < 0 else rank
        world_size = _from_environment("WORLD_SIZE") if world_size < 0 else world_size
    if rank < 0 or world_size < 1:
        raise ValueError(
            "Error initializing torch.distributed: give rank= and world_size=, since neither "
            f"{init_method or 'the store'!r} says them"
        )
    return rank, world_size


def _from_environment(name: str) -> int:
    value = os.environ.get(name)
    if value is None:
        raise ValueError(
            "Error initializing torch.distributed using env:// rendezvous: environment variable "
            f"{name} expected, but not set"
        )
    return int(value)


def _check_alone(rank: int, world_size: int) -> None:
    if world_size != 1:
        raise RuntimeError(
            f"init_process_group: a world of {world_size} processes is not for Gradine, which "
            "computes in one; run the same program on PyTorch itself, with torchrun and "
            "DistributedDataParallel, or with WORLD_SIZE=1 here"
        )
    if rank != 0:
        raise ValueError(f"init_process_group: rank {rank} is not in a world of 1 process")


def destroy_process_group(group: Any = None) -> None:
    """End the group.

    Raises:
        AssertionError: there is none.
    """
    world = GroupMember.WORLD
    if world is None:
        raise AssertionError("Process group cannot be None: call init_process_group first")
    if group is None or group is world:
        GroupMember.WORLD = None


def member(group: Any = None) -> Any:
    """The group, or the world; raises ValueError before ``init_process_group``."""
    if GroupMember.WORLD is None:
        raise ValueError(_UNINITIALISED)
    return GroupMember.WORLD if group is None else group


def get_rank(group: Any = None) -> int:
    """The number of this process: 0."""
    return -1 if member(group) == GroupMember.NON_GROUP_MEMBER else 0


def get_world_size(group: Any = None) -> int:
    """How many processes there are: 1."""
    return -1 if member(group) == GroupMember.NON_GROUP_MEMBER else 1


def get_backend(group: Any = None) -> Backend:
    """The name of the backend that was asked for."""
    return member(group)._backend


def get_node_local_rank(fallback_rank: int | None = None) -> int:
    """The number of this process on its machine, from ``LOCAL_RANK``.

    Raises:
        RuntimeError: torchrun did not set it and no fallback is given.
    """
    if "LOCAL_RANK" in os.environ:
        return int(os.environ["LOCAL_RANK"])
    if fallback_rank is not None:
        return int(fallback_rank)
    raise RuntimeError(
        "LOCAL_RANK is not in the environment. Consider passing fallback_rank to run without "
        "torchrun."
    )


def new_group(
    ranks: Any = None,
    timeout: Any = None,
    backend: str | None = None,
    pg_options: Any = None,
    use_local_synchronization: bool = False,
    group_desc: str | None = None,
    device_id: Any = None,
    sort_ranks: bool = True,
) -> Any:
    """A group of some of the processes: of this one, or ``NON_GROUP_MEMBER``.

    Raises:
        ValueError: a rank is not in the world.
    """
    world = member()
    chosen = [0] if ranks is None else [int(r) for r in ranks]
    outside = [r for r in chosen if r != 0]
    if outside:
        raise ValueError(f"new_group: ranks {outside} are not in a world of 1 process")
    if not chosen:
        return GroupMember.NON_GROUP_MEMBER
    return ProcessGroup(backend or world._backend)


def get_process_group_ranks(group: Any = None) -> list[int]:
    """The numbers of a group's processes: ``[0]``."""
    member(group)
    return [0]


def get_global_rank(group: Any, group_rank: int) -> int:
    """The number in the world of a group's process."""
    member(group)
    if group_rank != 0:
        raise ValueError(f"Group rank {group_rank} is not part of group {group}")
    return 0


def get_group_rank(group: Any, global_rank: int) -> int:
    """The number in a group of a process of the world."""
    member(group)
    if global_rank != 0:
        raise ValueError(f"Global rank {global_rank} is not part of group {group}")
    return 0
