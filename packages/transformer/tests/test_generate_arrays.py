"""The fast path of decoding is the model's own forward, to rounding, wherever it is taken."""

import numpy as np
import pytest

from transformer import build_model, torch
from transformer.generate.arrays import fast_step
from transformer.layers.lora import add_lora

SIZES = {"vocab_size": 11, "block_size": 24, "n_layer": 2, "n_head": 4, "n_embd": 16}
GROUPED = {"n_kv_head": 2, "head_dim": 6, "n_hidden": 20}
MODELS = {
    "gpt": ("gpt", {}),
    "gpt without bias": ("gpt", {"bias": False}),
    "llama": ("llama", {}),
    "llama 3": ("llama", {**GROUPED, "tie_embeddings": False, "rope_theta": 5e5}),
    "mistral": ("llama", {**GROUPED, "window": 3}),
    "qwen 2": ("llama", {**GROUPED, "attention_bias": True, "output_bias": True}),
    "qwen 3": ("llama", {**GROUPED, "qk_norm": True}),
}


def built(name, **more):
    kind, settings = MODELS[name]
    torch.manual_seed(3)
    model = build_model(kind, **SIZES, **settings, **more).eval()
    for p in model.parameters():  # no bias stays 0, no norm's gain 1
        torch.nn.init.normal_(p, mean=float(p.dim() < 2), std=0.3)
    return model


def ids(*shape):
    return torch.from_numpy(np.random.default_rng(1).integers(0, 11, shape))


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("name", MODELS)
def test_step_by_step_as_the_model_reads_it(name, rows):
    model, idx = built(name), ids(rows, 20)
    step, cache = fast_step(model), model.new_cache()
    with torch.no_grad():
        expected = model(idx)[0].numpy()
        first = model(idx[:, :5], cache=cache)[0].numpy()  # what one wrote, the other reads
        taken = [step(idx[:, t : t + 1], cache).numpy() for t in range(5, 19)]
        last = model(idx[:, 19:], cache=cache)[0].numpy()
    actual = np.concatenate([first, *taken, last], axis=1)
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5 * abs(expected).max())


def test_it_reads_the_parameters_themselves():
    model = built("llama")
    step, one = fast_step(model), ids(1, 1)
    before = step(one, model.new_cache()).numpy().copy()
    with torch.no_grad():
        model.layers[0].mlp.up_proj.weight.mul_(2.0)
    assert not np.array_equal(step(one, model.new_cache()).numpy(), before)


def test_past_the_end_of_a_context_is_refused():
    model, idx = built("gpt"), ids(1, 24)
    step, cache = fast_step(model), model.new_cache()
    with torch.no_grad():
        model(idx, cache=cache)
    with pytest.raises(ValueError, match="24 in the cache are more than the block_size of 24"):
        step(ids(1, 1), cache)


def adapted():
    model = built("llama")
    add_lora(model, rank=2, targets=("q_proj",))
    return model.eval()


OTHERS = {
    "exact gelu": lambda: build_model("gpt", **SIZES, gelu="none").eval(),
    "experts": lambda: build_model("llama", **SIZES, n_expert=2).eval(),
    "training": lambda: built("llama").train(),
    "double precision": lambda: built("llama").double(),
    "an adapter": adapted,
    "a bigram": lambda: build_model("bigram", vocab_size=3).eval(),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_has_no_formula_here_takes_the_ordinary_way(name):
    assert fast_step(OTHERS[name]()) is None


def test_a_hook_is_heard():
    model, heard = built("gpt"), []
    model.h[1].register_forward_hook(lambda *_: heard.append(1))
    assert fast_step(model) is None
