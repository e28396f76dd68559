"""Torch's path to embeddings: ``nn.modules.sparse``."""

from ._paths import found_in

__getattr__ = found_in("embedding", "embedding_bag")
