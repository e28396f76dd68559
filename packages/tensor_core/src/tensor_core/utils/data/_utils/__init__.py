"""The parts of the loader: making batches, fetching samples, being a worker."""

from . import collate, fetch, worker

__all__ = ["collate", "fetch", "worker"]
