"""What is particular to each model: its formula, its parameter count, what it can learn."""

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from transformer import CharTokenizer, build_model, generate, torch

TEXT = "the cat sat on the mat and the rat sat on the cat "


def trained(model, x, y, steps, lr):
    """The last losses of a model trained on one batch with Adam."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.0)
    for _ in range(steps):
        _, loss = model(x, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model(x, y)[1].item()


def test_a_bigram_learns_to_count():
    tokenizer = CharTokenizer.from_text(TEXT)
    data = tokenizer.encode(TEXT)
    pairs, firsts = Counter(pairwise(data)), Counter(data[:-1])
    n = len(data) - 1
    optimum = -sum(c * math.log(c / firsts[a]) for (a, _), c in pairs.items()) / n
    torch.manual_seed(0)
    model = build_model("bigram", vocab_size=tokenizer.vocab_size, block_size=n)
    x, y = torch.tensor([data[:-1]]), torch.tensor([data[1:]])
    loss = trained(model, x, y, steps=200, lr=0.2)
    assert optimum - 1e-6 <= loss <= optimum + 0.01  # nothing that sees one token can do better
    probs = torch.softmax(model(x)[0], dim=-1)[0].detach().numpy()
    for t, a in enumerate(data[:-1]):
        for b in range(tokenizer.vocab_size):
            assert probs[t, b] == pytest.approx(pairs[a, b] / firsts[a], abs=0.02)


def test_a_bigram_is_its_table():
    model = build_model("bigram", vocab_size=7)
    assert model.num_parameters() == 49
    logits = model(torch.tensor([[3, 1, 3]]))[0]
    table = model.table.weight
    assert (logits[0] == torch.stack([table[3], table[1], table[3]])).all()


def test_an_embedded_bigram_sees_token_and_position_alone():
    model = build_model("bigram-embedded", vocab_size=7, block_size=4, n_embd=3)
    assert model.num_parameters() == 7 * 3 + 4 * 3 + 3 * 7 + 7
    one = model(torch.tensor([[1, 2, 3]]))[0].detach().numpy()
    two = model(torch.tensor([[4, 2, 2]]))[0].detach().numpy()
    assert np.array_equal(one[0, 1], two[0, 1])  # same token, same place, other neighbours
    assert not np.array_equal(two[0, 1], two[0, 2])  # same token, another place


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("n", [1, 2, 5])
def test_an_ngram_is_the_formula_of_its_paper(n, direct):
    V, C, H, T = 7, 3, 5, 6
    torch.manual_seed(n)
    model = build_model(
        "ngram", vocab_size=V, block_size=T, context=n, n_embd=C, n_hidden=H, direct=direct
    )
    counted = (V + 1) * C + n * C * H + H + H * V + V + direct * n * C * V
    assert model.num_parameters() == counted
    w = {name: p.detach().numpy().astype(np.float64) for name, p in model.named_parameters()}
    idx = np.random.default_rng(0).integers(0, V, size=(2, T))
    logits = model(torch.tensor(idx))[0].detach().numpy()
    for b in range(2):
        for t in range(T):
            window = range(t - n + 1, t + 1)
            x = np.concatenate(
                [w["wte.weight"][idx[b, s]] if s >= 0 else w["padding"][0, 0] for s in window]
            )
            y = w["U.bias"] + w["U.weight"] @ np.tanh(w["H.bias"] + w["H.weight"] @ x)
            y += w["W.weight"] @ x if direct else 0.0
            np.testing.assert_allclose(logits[b, t], y, rtol=1e-4, atol=1e-5)


def test_an_ngram_sees_no_further_than_its_context():
    model = build_model("ngram", vocab_size=7, block_size=8, context=3, n_embd=4, n_hidden=6)
    one = model(torch.tensor([[0, 1, 2, 3, 4]]))[0].detach().numpy()
    two = model(torch.tensor([[6, 5, 2, 3, 4]]))[0].detach().numpy()
    assert np.array_equal(one[0, 4], two[0, 4])
    assert not np.array_equal(one[0, 3], two[0, 3])


def test_a_single_head_counts_its_parameters():
    V, T, C, D = 7, 6, 4, 5
    model = build_model("head", vocab_size=V, block_size=T, n_embd=C, head_size=D)
    assert model.num_parameters() == V * C + T * C + 3 * C * D + D * V + V
    assert "head.future" not in model.state_dict()  # the mask is no knowledge


def gpt_size(V, T, L, C, bias):
    """Parameters of a GPT-2 by its layout, the head shared with the token embedding."""
    attention = 4 * C * C + bias * 4 * C
    feed_forward = 8 * C * C + bias * 5 * C
    norm = C + bias * C
    return V * C + T * C + L * (attention + feed_forward + 2 * norm) + norm


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("V", "T", "L", "C", "H"), [(65, 8, 3, 32, 4), (11, 5, 1, 6, 1)])
def test_a_gpt_counts_its_parameters(V, T, L, C, H, bias):
    model = build_model("gpt", vocab_size=V, block_size=T, n_layer=L, n_head=H, n_embd=C, bias=bias)
    assert model.num_parameters() == gpt_size(V, T, L, C, bias)
    assert gpt_size(50257, 1024, 12, 768, True) == 124_439_808  # the smallest GPT-2


def tiny_gpt(**more):
    torch.manual_seed(0)
    sizes = {"vocab_size": 11, "block_size": 8, "n_layer": 2, "n_head": 2, "n_embd": 16}
    return build_model("gpt", **{**sizes, **more})


def test_a_gpt_has_the_names_of_gpt2():
    of_a_block = [
        f"{part}.{kind}"
        for part in ("ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj")
        for kind in ("weight", "bias")
    ]
    expected = ["wte.weight", "wpe.weight", "ln_f.weight", "ln_f.bias", "lm_head.weight"]
    expected += [f"h.{i}.{name}" for i in range(2) for name in of_a_block]
    assert sorted(tiny_gpt().state_dict()) == sorted(expected)


def test_a_gpt_reads_and_writes_with_one_table():
    model = tiny_gpt()
    assert model.lm_head.weight is model.wte.weight
    x, y = torch.tensor([[1, 2, 3]]), torch.tensor([[2, 3, 4]])
    model(x, y)[1].backward()
    grad = model.wte.weight.grad.numpy()
    assert np.abs(grad[9]).max() > 0  # never read, but a score of its own was wrong
    with torch.no_grad():
        model.wte.weight[5] = 0.0
    assert model(x)[0][0, :, 5].abs().max().item() == 0.0
    again = tiny_gpt()
    again.load_state_dict(model.state_dict())
    assert again.lm_head.weight is again.wte.weight


def test_a_gpt_begins_as_its_paper_says():
    model = tiny_gpt(n_embd=64, n_layer=8, vocab_size=300)
    for name, p in model.named_parameters():
        values = p.detach().numpy()
        if name.endswith("bias"):
            assert not values.any(), name
        elif "ln_" in name:
            assert (values == 1).all(), name
        else:
            std = 0.02 / 4 if name.endswith("c_proj.weight") else 0.02  # sqrt(2 * 8) = 4
            assert values.std() == pytest.approx(std, rel=0.1), name
            assert abs(values.mean()) < std / 5, name
    _, loss = model(torch.tensor([[1, 2, 3]]), torch.tensor([[2, 3, 4]]))
    assert loss.item() == pytest.approx(math.log(300), abs=0.2)  # nothing is likelier yet


def test_a_gpt_learns_a_text_by_heart():
    tokenizer = CharTokenizer.from_text(TEXT)
    data = tokenizer.encode(TEXT)
    model = tiny_gpt(vocab_size=tokenizer.vocab_size, block_size=len(data) - 1, n_embd=32)
    loss = trained(model, torch.tensor([data[:-1]]), torch.tensor([data[1:]]), 150, lr=1e-2)
    assert loss < 0.05
    assert generate(model, "th", len(TEXT) - 2, temperature=0, tokenizer=tokenizer) == TEXT


def test_dropout_falls_in_training_only():
    x = torch.tensor([[1, 2, 3, 4]])
    for model in (tiny_gpt(dropout=0.5), build_model("head", vocab_size=11, dropout=0.5)):
        assert not bool((model(x)[0] == model(x)[0]).all())
        model.eval()
        assert bool((model(x)[0] == model(x)[0]).all())
