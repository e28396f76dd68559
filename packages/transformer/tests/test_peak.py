"""The count of operations beside hand-made ones, and the measured peak."""

from typing import Any

import pytest

from transformer import build_model
from transformer._engine import torch
from transformer.layers.lora import add_lora
from transformer.train.peak import matmul_peak, step_flops


def test_a_gpts_operations_are_those_of_its_products() -> None:
    """Counted product by product, as the model makes them; (rows, inner, columns) of each."""
    V, T, C, L, B = 11, 8, 12, 3, 2
    model = build_model("gpt", vocab_size=V, block_size=T, n_layer=L, n_head=2, n_embd=C)
    layer = [(B * T, C, 3 * C), (B * T, C, C), (B * T, C, 4 * C), (B * T, 4 * C, C)]
    layer += 2 * B * [(T, C // 2, T), (T, T, C // 2)]  # each head's scores and values
    products = L * layer + [(B * T, C, V)]
    forward = sum(2 * n * k * m for n, k, m in products)
    assert step_flops(model, B, T) == 3 * forward


@pytest.mark.parametrize(
    ("name", "settings", "expected"),
    [
        ("bigram", {}, 0),  # a table, looked up
        ("bigram-embedded", {"n_embd": 4}, 6 * 4 * 11),
        ("llama", {"n_layer": 1, "n_head": 2, "n_kv_head": 1, "n_embd": 8, "n_hidden": 5,
                   "window": 3}, 6 * (8 * 11 + 8 * 8 * 2 + 8 * 4 * 2 + 3 * 8 * 5) + 12 * 8 * 3),
        ("llama", {"n_layer": 1, "n_head": 2, "n_embd": 8, "n_hidden": 5, "n_expert": 4,
                   "n_expert_active": 2},
         6 * (8 * 11 + 4 * 8 * 8 + 8 * 4 + 2 * 3 * 8 * 5) + 12 * 8 * 6),
    ],
)  # fmt: skip
def test_operations_a_token(name: str, settings: Any, expected: int) -> None:
    model = build_model(name, vocab_size=11, block_size=6, **settings)
    assert step_flops(model, 1, 6) == 6 * expected


def test_frozen_weights_cost_a_third_less() -> None:
    model = build_model("gpt", vocab_size=11, block_size=4, n_layer=1, n_head=1, n_embd=8)
    matrices = 8 * 11 + 12 * 8 * 8
    attention = 12 * 8 * 4
    assert step_flops(model, 1, 4) == 4 * (6 * matrices + attention)
    add_lora(model, rank=1, targets=["c_fc"])
    assert step_flops(model, 1, 4) == 4 * (4 * matrices + 6 * (8 + 32) + attention)


def test_the_peak_is_measured_once_and_leaves_the_threads_alone() -> None:
    threads = torch.get_num_threads()
    assert matmul_peak(1) == matmul_peak(1) > 1e6
    assert torch.get_num_threads() == threads
