"""Generation beside Hugging Face's transformers: the same scores, the same beams, both engines."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch as real_torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from side_by_side import tally
from transformers.generation import logits_process as theirs

from transformer import build_model, generate, torch
from transformer.generate import Sampling
from transformer.generate.processors import adjust, narrow

V = 23


@st.composite
def scores(draw):
    """Random scores, some of them equal, (2, V)."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    values = rng.normal(size=(2, V)) * draw(st.sampled_from([0.1, 1.0, 4.0]))
    if draw(st.booleans()):
        values = np.round(values)  # ties
    return values.astype(np.float32)


def hf(values, rows, *processors):
    ids, out = real_torch.tensor(rows), real_torch.tensor(values)
    for processor in processors:
        out = processor(ids, out)
    return out.numpy()


def same(ours, expected, values):
    """The same tokens left, and the same probabilities: ours are shifted, which changes none."""
    kept = np.isfinite(expected)
    for row, (mine, other) in enumerate(zip(ours, expected, strict=True)):
        if len(set(values[row].tolist())) == V:
            assert (np.isfinite(mine) == kept[row]).all()
        else:  # of equal scores, torch's sort leaves any at the threshold: as many, at least
            assert np.isfinite(mine).sum() == kept[row].sum()
            mine.sort()
            other.sort()
    with np.errstate(invalid="ignore"):
        p, q = (np.exp(x - x.max(-1, keepdims=True)) for x in (ours, expected))
    np.testing.assert_allclose(p, q, atol=3e-6, rtol=3e-5)
    tally["scores beside transformers"] += kept.size


share = st.floats(0.01, 0.99)


@given(scores(), st.floats(0.1, 5), st.integers(1, V + 5), share, share, share, st.data())
@settings(max_examples=120, deadline=None)
def test_narrowing_beside_transformers(values, temperature, k, p, m, typical, data):
    makers = {
        "top_k": (k, theirs.TopKLogitsWarper),
        "top_p": (p, theirs.TopPLogitsWarper),
        "min_p": (m, theirs.MinPLogitsWarper),
        "typical_p": (typical, theirs.TypicalLogitsWarper),
    }
    names = data.draw(st.sets(st.sampled_from(list(makers))))
    chosen = {name: value for name, (value, _) in makers.items() if name in names}
    warpers = [make(value) for name, (value, make) in makers.items() if name in names]
    expected = hf(values, [[0]] * 2, theirs.TemperatureLogitsWarper(temperature), *warpers)
    ours = narrow(torch.tensor(values), Sampling(temperature, **chosen)).numpy().copy()
    same(ours, expected, values)


ids = st.lists(st.integers(0, V - 1), min_size=6, max_size=6)


@given(
    scores(), ids, ids, st.floats(0.3, 3), st.dictionaries(st.integers(0, V - 1), st.floats(-5, 5))
)
@settings(max_examples=100, deadline=None)
def test_bias_and_repetition_beside_transformers(values, one, two, penalty, bias):
    rows = [one, two]
    expected = hf(
        values,
        rows,
        *([theirs.SequenceBiasLogitsProcessor({(i,): b for i, b in bias.items()})] if bias else []),
        theirs.RepetitionPenaltyLogitsProcessor(penalty),
    )
    sampling = Sampling(repetition_penalty=penalty, logit_bias=bias)
    ours = adjust(torch.tensor(values), sampling, rows, 3).numpy()
    np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-6)


@pytest.fixture(scope="module")
def pair():
    """The same small GPT-2, ours and theirs."""
    torch.manual_seed(3)
    sizes = {"n_layer": 2, "n_head": 2, "n_embd": 16}
    ours = build_model("gpt", vocab_size=V, block_size=32, **sizes).eval()
    config = transformers.GPT2Config(vocab_size=V, n_positions=32, **sizes)
    model = transformers.GPT2LMHeadModel(config).eval()
    weights = {}
    for name, p in ours.named_parameters():
        p.data.mul_(6.0)  # sharper: an untrained model finds all tokens alike
        value = real_torch.tensor(p.detach().numpy())
        turned = ".attn.c_" in name or ".mlp.c_" in name
        weights[f"transformer.{name}"] = value.T if turned and value.dim() == 2 else value
    missing = model.load_state_dict(weights, strict=False)
    assert not missing.unexpected_keys and set(missing.missing_keys) <= {"lm_head.weight"}
    model.tie_weights()
    return ours, model


def hf_generate(model, prompt, **asked):
    idx = real_torch.tensor([prompt])
    asked = {"pad_token_id": 0, "eos_token_id": None, "do_sample": False, **asked}
    config = transformers.GenerationConfig(**asked)
    out = model.generate(idx, attention_mask=real_torch.ones_like(idx), generation_config=config)
    return out


def test_greedy_beside_transformers(pair):
    ours, model = pair
    expected = hf_generate(model, [1, 2, 3], max_new_tokens=20)[0].tolist()
    assert generate(ours, [1, 2, 3], 20, temperature=0) == expected
    asked = {"repetition_penalty": 1.7}
    expected = hf_generate(model, [1, 2, 3], max_new_tokens=20, **asked)[0].tolist()
    assert generate(ours, [1, 2, 3], 20, temperature=0, **asked) == expected


@pytest.mark.parametrize("early", [True, False, "never"])
@pytest.mark.parametrize("penalty", [0.0, 1.0, 2.0, -1.0])
@pytest.mark.parametrize("beams", [2, 4])
def test_beams_beside_transformers(pair, early, penalty, beams):
    ours, model = pair
    ended = 0
    for prompt in ([1, 2, 3], [9, 9, 20, 7]):
        for eos in ([5], [2, 17]):
            asked = {"num_beams": beams, "length_penalty": penalty, "early_stopping": early}
            out = hf_generate(
                model,
                prompt,
                max_new_tokens=8,
                eos_token_id=eos,
                num_return_sequences=beams,
                return_dict_in_generate=True,
                output_scores=True,
                **asked,
            )
            found = generate(
                ours, prompt, 8, n=beams, stop_tokens=eos, return_details=True, **asked
            )
            for row, score, mine in zip(
                out.sequences.tolist(), out.sequences_scores.tolist(), found, strict=True
            ):
                new = row[len(prompt) :]
                end = next((i for i, t in enumerate(new) if t in eos), None)
                ended += end is not None
                assert mine.ids == (new if end is None else new[:end])
                assert mine.score == pytest.approx(score, rel=1e-4, abs=1e-4)
                assert mine.finish_reason == ("length" if end is None else "stop")
    assert ended  # some ended by themselves: both ways were tried
    tally["beam searches beside transformers"] += 4


DRAWS = """
from transformer import build_model, generate, torch
torch.manual_seed(1)
m = build_model("gpt", vocab_size=50, block_size=48, n_layer=2, n_head=2, n_embd=16)
for p in m.parameters():
    p.data.mul_(6.0)
for asked in ({}, {"top_p": 0.8}, {"min_p": 0.1, "temperature": 0.7}, {"typical_p": 0.5},
              {"top_k": 7, "repetition_penalty": 1.3, "frequency_penalty": 0.5},
              {"logit_bias": {3: 2.0}, "presence_penalty": 0.4}, {"lookup": True, "top_k": 5}):
    print(generate(m, [1, 2, 3], 30, n=2, seed=5, **asked))
print(generate(m, [1, 2, 3], 12, num_beams=3, n=3, stop_tokens=[4]))
"""


def test_both_engines_draw_the_same():
    said = []
    for engine in ("tensor_core", "torch"):
        environment = {
            **os.environ,
            "GRADINE_ENGINE": engine,
            "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
        }
        command = [sys.executable, "-c", DRAWS]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        said.append(done.stdout)
    assert said[0] == said[1]
    assert said[0].count("\n") == 8
