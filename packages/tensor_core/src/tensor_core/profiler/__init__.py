"""Where the time goes: wall times of the blocks a program names, and of its steps.

Single operations are not recorded: name the blocks with ``record_function``. There is no device,
so no device time.
"""

from .._missing import missing
from .profile import (
    DeviceType,
    ProfilerActivity,
    profile,
    record_function,
    supported_activities,
    tensorboard_trace_handler,
)
from .schedule import ProfilerAction, schedule

__all__ = [
    "DeviceType",
    "ProfilerAction",
    "ProfilerActivity",
    "profile",
    "record_function",
    "schedule",
    "supported_activities",
    "tensorboard_trace_handler",
]


def kineto_available() -> bool:
    """Whether torch's library for tracing devices is there: no."""
    return False


__getattr__ = missing(__name__)
