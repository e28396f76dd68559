"""generate: what it draws, from what, and that it leaves the model as it was."""

import numpy as np
import pytest

from transformer import CharTokenizer, build_model, generate, torch
from transformer.generate.sampling import Sampler

V = 11


def model(name="gpt", **sizes):
    torch.manual_seed(1)
    small = {"n_layer": 2, "n_head": 2, "n_embd": 16, "block_size": 6} if name == "gpt" else {}
    built = build_model(name, vocab_size=V, **{**small, **sizes})
    for p in built.parameters():
        p.data.mul_(8.0)  # sharper: the untrained model finds all tokens alike
    return built


def greedy_by_hand(model, ids, n):
    model.eval()
    for _ in range(n):
        logits = model(torch.tensor([ids[-model.block_size :]]))[0].detach().numpy()
        ids = [*ids, int(logits[0, -1].argmax())]
    return ids


@pytest.mark.parametrize("name", ["bigram", "ngram", "head", "gpt"])
def test_temperature_zero_takes_the_likeliest(name):
    m = model(name)
    expected = greedy_by_hand(m, [1, 2], 20)  # well past block_size
    assert generate(m, [1, 2], 20, temperature=0) == expected
    assert generate(m, [1, 2], 20, top_k=1, seed=5) == expected
    assert generate(m, [1, 2], 20, temperature=1e-12, seed=5) == expected


def test_each_kind_of_prompt_comes_back_in_its_kind():
    m, tokenizer = model(), CharTokenizer("abcdefghijk")
    ids = generate(m, [0, 1, 2], 7, seed=3)
    assert isinstance(ids, list)
    assert len(ids) == 10
    tensor = generate(m, torch.tensor([[0, 1, 2]]), 7, seed=3)
    assert tensor.tolist() == [ids]
    assert tensor.dtype == torch.int64
    assert generate(m, "abc", 7, seed=3, tokenizer=tokenizer) == tokenizer.decode(ids)


def test_a_batch_grows_row_by_row():
    m = model()
    both = generate(m, torch.tensor([[1, 2], [3, 4]]), 8, temperature=0)
    assert both.tolist() == [greedy_by_hand(m, [1, 2], 8), greedy_by_hand(m, [3, 4], 8)]


def test_no_new_tokens_is_the_prompt():
    assert generate(model(), [3, 4], 0) == [3, 4]
    assert generate(model(), torch.tensor([[3, 4]]), 0).tolist() == [[3, 4]]


def test_the_same_seed_gives_the_same_tokens():
    m = model()
    one = generate(m, [1], 30, seed=7)
    torch.manual_seed(99)  # the engine's own generator plays no part
    assert generate(m, [1], 30, seed=7) == one
    assert generate(m, [1], 30, generator=torch.Generator().manual_seed(7)) == one
    assert generate(m, [1], 30, seed=8) != one
    torch.manual_seed(7)
    assert generate(m, [1], 30) == one  # without either it is the engine's own that draws


def test_a_generator_goes_on_where_it_was():
    m, generator = model(), torch.Generator().manual_seed(7)
    first = generate(m, [1], 30, generator=generator)
    assert generate(m, [1], 30, generator=generator) != first


def test_draws_follow_the_probabilities():
    logits = torch.tensor([[0.0, 1.0, 2.0, -1.0]] * 20_000)
    for temperature in (0.5, 1.0, 2.0):
        draws = Sampler(temperature, seed=0)(logits).numpy().ravel()
        p = np.exp(np.array([0.0, 1.0, 2.0, -1.0]) / temperature)
        p /= p.sum()
        seen = np.bincount(draws, minlength=4) / len(draws)
        # Five standard deviations of a proportion among 20,000.
        assert (np.abs(seen - p) < 5 * np.sqrt(p * (1 - p) / len(draws))).all()


@pytest.mark.parametrize("k", [1, 2, 3, 4, 100])
def test_top_k_draws_all_of_the_k_likeliest_and_no_other(k):
    logits = torch.tensor([[0.3, 0.1, 0.5, 0.2]] * 500)
    draws = Sampler(top_k=k, seed=0)(logits).numpy()
    assert set(draws.ravel().tolist()) == set([2, 0, 3, 1][:k])


@pytest.mark.parametrize("temperature", [1e-300, 1e-45, 1e-36, 1e-6, 1.0])
def test_no_temperature_is_too_cold(temperature):
    logits = torch.tensor([[3e4, -3e4, 3.1e4]] * 50)  # 3e4 / 1e-36 is infinite in float32
    draws = Sampler(temperature, seed=0)(logits)
    assert draws.flatten().tolist() == [2] * 50


def test_no_temperature_is_too_hot():
    draws = Sampler(1e300, seed=0)(torch.tensor([[3e4, -3e4, 3.1e4]] * 50))
    assert set(draws.flatten().tolist()) == {0, 1, 2}


def test_on_token_hears_each_id_as_it_is_drawn():
    heard = []
    ids = generate(model(), [1, 2], 9, seed=3, on_token=heard.append)
    assert heard == ids[2:]


def modes(m):
    return [module.training for module in m.modules()]


def test_the_model_is_in_eval_mode_and_put_back():
    m = model(dropout=0.5)
    m.h[1].eval()  # a part that its owner has frozen stays so
    before = modes(m)
    assert True in before
    assert False in before
    inside = []
    ids = generate(m, [1], 5, temperature=0, on_token=lambda _: inside.append(any(modes(m))))
    assert inside == [False] * 5
    assert modes(m) == before
    m.eval()
    assert generate(m, [1], 5, temperature=0) == ids  # dropout was off the first time, too


def test_the_model_is_put_back_when_something_fails():
    m = model()
    before = modes(m)

    def fail(token):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(m, [1], 5, on_token=fail)
    assert modes(m) == before


def test_no_graph_is_built_and_grad_mode_is_left_alone():
    seen = []
    out = generate(
        model(), torch.tensor([[1]]), 3, on_token=lambda _: seen.append(torch.is_grad_enabled())
    )
    assert seen == [True] * 3  # the caller's own code runs in the caller's mode
    assert not out.requires_grad
    assert torch.is_grad_enabled()


AB = CharTokenizer("abcdefghijk")


@pytest.mark.parametrize(
    ("kind", "arguments", "said"),
    [
        (ValueError, {"temperature": -0.5}, "temperature -0.5 must be 0"),
        (ValueError, {"temperature": float("nan")}, "temperature nan must be"),
        (ValueError, {"temperature": float("inf")}, "temperature inf must be"),
        (ValueError, {"top_k": 0}, "top_k 0 must be at least 1"),
        (ValueError, {"max_new_tokens": -1}, "max_new_tokens -1 must be 0 or more"),
        (ValueError, {"prompt": []}, "prompt is empty"),
        (ValueError, {"prompt": "", "tokenizer": AB}, "prompt is empty"),
        (ValueError, {"prompt": "abc"}, "prompt is a string, so give tokenizer="),
        (ValueError, {"prompt": "xyz", "tokenizer": AB}, r"'x' \(U\+0078\) at position 0"),
        (ValueError, {"stop": "a"}, "stop is looked for in the text, so give tokenizer="),
        (ValueError, {"stop": "", "tokenizer": AB}, "empty stop string"),
        (ValueError, {"stop": ["a", ""], "tokenizer": AB}, "empty stop string"),
        (TypeError, {"prompt": 3}, "list of ids or an int64 tensor .* got int"),
        (TypeError, {"prompt": [1.5]}, "must be a string, a list of ids"),
        (TypeError, {"prompt": torch.tensor([1, 2])}, r"shape \(B, T\), got .* shape \(2,\)"),
        (TypeError, {"prompt": torch.tensor([[1.0]])}, "must be int64"),
        (IndexError, {"prompt": [1, 11]}, "token ids from 1 to 11 do not fit a vocabulary of 11"),
    ],
)
def test_arguments_that_cannot_be(kind, arguments, said):
    m = model()
    before = modes(m)
    with pytest.raises(kind, match=said):
        generate(m, **{"prompt": [1, 2], "max_new_tokens": 3, **arguments})
    assert modes(m) == before


def test_generator_and_seed_together():
    with pytest.raises(ValueError, match="a generator or a seed, not both"):
        generate(model(), [1], 3, seed=1, generator=torch.Generator())


@pytest.mark.parametrize("asked", [{"stop": "a", "tokenizer": AB}, {"on_token": print}])
def test_what_watches_one_sequence_refuses_a_batch(asked):
    with pytest.raises(ValueError, match=r"can watch one sequence only, the prompt has 2"):
        generate(model(), torch.tensor([[1], [2]]), 3, **asked)


def test_equals_that_add_up_to_p_exactly_are_enough():
    from transformer.generate.processors import keep_top_p

    scores = torch.tensor([[1.0] * 6 + [float("-inf")] * 5])  # a sixth each: three are a half
    assert int(keep_top_p(scores, 0.5).isfinite().sum()) == 3
