"""Modules on several devices or processes, of which there is one."""

from ..._missing import missing
from .data_parallel import DataParallel
from .distributed import DistributedDataParallel

__all__ = ["DataParallel", "DistributedDataParallel"]

__getattr__ = missing(__name__)
