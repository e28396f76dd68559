"""Every module of tensor_core.nn and transformer: finite differences and torch, all gradients."""

import layers_losses
import layers_spatial
import numpy as np
import pytest
from layers_sequences import SEQUENCES
from side_by_side import BOTH, agree, tally, tensor, transformer_on
from torch.nn.attention import SDPBackend, sdpa_kernel

import tensor_core
from gradcheck import check_grads

N, T = "normal", {library: transformer_on(library) for library in BOTH}


# One line a layer: how to make it, and what to feed it: a shape (normal numbers), or a kind of
# values and a shape.
LAYERS = {
    "Linear": (lambda t: t.nn.Linear(3, 2), [(2, 3)]),
    "Linear without bias": (lambda t: t.nn.Linear(3, 2, bias=False), [(4, 2, 3)]),
    "Bilinear": (lambda t: t.nn.Bilinear(2, 3, 2), [(2, 2), (2, 3)]),
    "Identity": (lambda t: t.nn.Identity(), [(2,)]),
    "Flatten": (lambda t: t.nn.Flatten(), [(2, 3, 2)]),
    "Unflatten": (lambda t: t.nn.Unflatten(1, (2, 3)), [(2, 6)]),
    "Embedding": (lambda t: t.nn.Embedding(5, 3), [("ids", (2, 3))]),
    "LayerNorm": (lambda t: t.nn.LayerNorm(4), [(3, 4)]),
    "LayerNorm 2-d": (lambda t: t.nn.LayerNorm((2, 4), bias=False), [(3, 2, 4)]),
    "RMSNorm": (lambda t: t.nn.RMSNorm(4), [(3, 4)]),
    "GroupNorm": (lambda t: t.nn.GroupNorm(2, 4), [(2, 4, 3)]),
    "BatchNorm1d": (lambda t: t.nn.BatchNorm1d(3), [(4, 3)]),
    "BatchNorm1d at rest": (lambda t: t.nn.BatchNorm1d(3).eval(), [(4, 3)]),
    "Dropout": (lambda t: t.nn.Dropout(0.4), [(20,)]),  # drawn in the order of memory
    "Dropout at rest": (lambda t: t.nn.Dropout(0.4).eval(), [(4, 5)]),
    "ReLU": (lambda t: t.nn.ReLU(), [("kinky", (3, 3))]),
    "ReLU6": (lambda t: t.nn.ReLU6(), [("kinky", (3, 3))]),
    "LeakyReLU": (lambda t: t.nn.LeakyReLU(0.2), [("kinky", (3, 3))]),
    "PReLU": (lambda t: t.nn.PReLU(3), [("kinky", (2, 3))]),
    "ELU": (lambda t: t.nn.ELU(0.7), [("kinky", (3, 3))]),
    "GELU": (lambda t: t.nn.GELU(), [(3, 3)]),
    "GELU tanh": (lambda t: t.nn.GELU("tanh"), [(3, 3)]),
    "GLU": (lambda t: t.nn.GLU(), [(3, 4)]),
    "SiLU": (lambda t: t.nn.SiLU(), [(3, 3)]),
    "Mish": (lambda t: t.nn.Mish(), [(3, 3)]),
    "Tanh": (lambda t: t.nn.Tanh(), [(3, 3)]),
    "Sigmoid": (lambda t: t.nn.Sigmoid(), [(3, 3)]),
    "LogSigmoid": (lambda t: t.nn.LogSigmoid(), [(3, 3)]),
    "Softsign": (lambda t: t.nn.Softsign(), [("kinky", (3, 3))]),
    "Softplus": (lambda t: t.nn.Softplus(2.0), [(3, 3)]),
    "Softmax": (lambda t: t.nn.Softmax(1), [(2, 3, 2)]),
    "LogSoftmax": (lambda t: t.nn.LogSoftmax(-1), [(2, 3)]),
    "MSELoss": (lambda t: t.nn.MSELoss(), [(2, 3), (2, 3)]),
    "L1Loss": (lambda t: t.nn.L1Loss(), [(2, 3), ("far", (2, 3))]),
    "SmoothL1Loss": (lambda t: t.nn.SmoothL1Loss(beta=0.5), [(2, 3), ("far", (2, 3))]),
    "CrossEntropyLoss": (lambda t: t.nn.CrossEntropyLoss(), [(4, 5), ("ids", (4,))]),
    "CrossEntropyLoss smoothed": (
        lambda t: t.nn.CrossEntropyLoss(label_smoothing=0.2, ignore_index=1),
        [(4, 5), ("ids", (4,))],
    ),
    "NLLLoss": (lambda t: t.nn.NLLLoss(), [(4, 5), ("ids", (4,))]),
    "BCELoss": (lambda t: t.nn.BCELoss(), [("chances", (2, 3)), ("fixed", (2, 3))]),
    "BCEWithLogitsLoss": (lambda t: t.nn.BCEWithLogitsLoss(), [(2, 3), ("fixed", (2, 3))]),
    "KLDivLoss": (lambda t: t.nn.KLDivLoss(reduction="batchmean"), [(2, 3), ("fixed", (2, 3))]),
    "Sequential": (
        lambda t: t.nn.Sequential(t.nn.Linear(3, 4), t.nn.Tanh(), t.nn.Linear(4, 2)),
        [(2, 3)],
    ),
    **SEQUENCES,
}
LAYERS |= layers_losses.LAYERS
LAYERS |= layers_spatial.LAYERS

SMALL = {"vocab_size": 5, "block_size": 3}
LLAMA3 = {
    "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}  # fmt: skip
IDS = [("ids", (2, 3)), ("ids", (2, 3))]


def attention(t, **more):
    return T[t].layers.Attention(4, 2, packed=True, **more)


def attending(t, rope=None, latent=None, **more):
    """Attention in a variant; ``rope`` is the width of what is turned."""
    layers = T[t].layers
    if rope is not None:
        more["rotary"] = layers.Rotary(rope, scaling=LLAMA3)
    if latent is not None:
        more["latent"] = layers.Latent(*latent)
    return layers.Attention(4, **{"n_head": 2, **more})


def across(t):
    """Cross-attention, which some of the source is hidden from."""
    mask = t.tensor([[True, True, False], [True, False, False]]).view(2, 1, 1, 3)

    class Across(T[t].layers.Attention):
        def forward(self, x, source):
            return super().forward(x, source, mask=mask)

    return Across(4, 2, n_kv_head=1, n_source=3, causal=False, bias=False)


def block(t, **more):
    return T[t].layers.Block(4, 2, **more)


def translating(t, **more):
    sizes = {"n_layer": 1, "n_head": 2, "n_embd": 4, "n_hidden": 3, "dropout": 0.0, **SMALL}
    models = T[t].models
    config = models.EncoderDecoderConfig(source_vocab_size=5, **{**sizes, **more})
    return models.EncoderDecoder(config)


def model(name, **more):
    return lambda t: T[t].models.build_model(name, **SMALL, **more)


TRANSFORMER = {
    "Attention packed": (attention, [(2, 3, 4)]),
    "Attention packed without bias": (lambda t: attention(t, bias=False), [(1, 4, 4)]),
    "Attention packed dropping": (lambda t: attention(t, dropout=0.3), [(2, 3, 4)]),
    "Attention in groups": (lambda t: attending(t, n_kv_head=1, bias=False), [(2, 3, 4)]),
    "Attention both ways": (
        lambda t: attending(t, causal=False, scale=0.7, bias=False),
        [(2, 3, 4)],
    ),
    "Attention rotary": (lambda t: attending(t, rope=2, n_kv_head=1), [(1, 3, 4)]),
    "Attention in a window": (lambda t: attending(t, window=2, bias=False), [(1, 4, 4)]),
    "Attention ALiBi": (lambda t: attending(t, alibi=True, dropout=0.3, bias=False), [(2, 3, 4)]),
    "Attention normed": (lambda t: attending(t, qk_norm=1e-5, rope=2, bias=False), [(1, 3, 4)]),
    "Attention capped": (lambda t: attending(t, softcap=0.7, n_kv_head=1, window=2), [(1, 3, 4)]),
    "Attention latent": (lambda t: attending(t, rope=2, latent=(2, 2), bias=False), [(1, 2, 4)]),
    "Attention latent queries": (
        lambda t: attending(t, rope=2, latent=(2, 2, 2), head_dim=1, softcap=2.0),
        [(1, 2, 4)],
    ),
    "Attention across": (across, [(2, 2, 4), (2, 3, 3)]),
    "Block": (block, [(2, 3, 4)]),
    "Block exact": (lambda t: block(t, bias=False, gelu="none", dropout=0.2), [(1, 3, 4)]),
    "Head": (lambda t: T[t].layers.Head(4, 3, 4), [(2, 3, 4)]),
    "LayerNorm": (lambda t: T[t].layers.LayerNorm(4), [(2, 4)]),
    "LayerNorm without bias": (lambda t: T[t].layers.LayerNorm(4, bias=False), [(2, 4)]),
    "MLP": (lambda t: T[t].layers.MLP(3), [(2, 3)]),
    "MLP exact": (lambda t: T[t].layers.MLP(3, gelu="none", bias=False), [(2, 3)]),
    "MoE": (lambda t: T[t].layers.MoE(3, 2, n_expert=3, n_active=2), [(2, 2, 3)]),
    "MoE of one": (lambda t: T[t].layers.MoE(2, 3, n_expert=2, n_active=1), [(1, 3, 2)]),
    "LoRALinear": (lambda t: T[t].layers.LoRALinear(t.nn.Linear(3, 2), rank=2), [(2, 3)]),
    "RMSNorm": (lambda t: T[t].layers.RMSNorm(4), [(2, 3, 4)]),
    "Rotary": (lambda t: T[t].layers.Rotary(4, scaling=LLAMA3), [(1, 2, 3, 4)]),
    "SwiGLU": (lambda t: T[t].layers.SwiGLU(3, 2), [(2, 3)]),
    "SwiGLU with bias": (lambda t: T[t].layers.SwiGLU(2, 3, bias=True), [(1, 2, 2)]),
    "PositionEmbedding": (lambda t: T[t].layers.PositionEmbedding(4, 3), [("length", 3)]),
    "TokenEmbedding": (lambda t: T[t].layers.TokenEmbedding(5, 3), [("ids", (2, 3))]),
    "Bigram": (model("bigram"), IDS),
    "EmbeddedBigram": (model("bigram-embedded", n_embd=3), IDS),
    "NGram": (model("ngram", context=2, n_embd=2, n_hidden=4), IDS),
    "NGram direct": (model("mlp", context=3, n_embd=2, n_hidden=3, direct=True), IDS),
    "RNN": (model("rnn", n_embd=2, n_hidden=3, n_layer=2), IDS),
    "LSTM": (model("lstm", n_embd=2, n_hidden=2, n_layer=2), IDS),
    "GRU": (model("gru", n_embd=2, n_hidden=2), IDS),
    "GRU dropping": (model("gru", n_embd=2, n_hidden=2, n_layer=2, dropout=0.3), IDS),
    "SingleHead": (model("head", n_embd=4, head_size=3), IDS),
    "EncoderDecoder": (translating, IDS),
    "EncoderDecoder norms first": (lambda t: translating(t, pre_norm=True, dropout=0.2), IDS),
    "Llama": (model("llama", n_layer=1, n_head=2, n_embd=4, n_hidden=3), IDS),
    "Llama as Qwen": (
        model(
            "llama",
            n_layer=1,
            n_head=2,
            n_kv_head=1,
            head_dim=2,
            n_embd=4,
            n_hidden=3,
            qk_norm=True,
            attention_bias=True,
            tie_embeddings=False,
            window=2,
        ),
        IDS,
    ),
    "Llama of experts": (
        model("llama", n_layer=1, n_head=1, n_embd=4, n_hidden=2, n_expert=2, n_expert_active=1),
        [("ids", (1, 2)), ("ids", (1, 2))],
    ),
    "GPT": (model("gpt", n_layer=2, n_head=2, n_embd=4), IDS),
    "GPT exact": (model("gpt", n_layer=1, n_head=1, n_embd=4, bias=False, gelu="none"), IDS),
    "GPT dropping": (model("gpt", n_layer=1, n_head=2, n_embd=4, dropout=0.2), IDS),
}

EVERY = {f"nn.{k}": v for k, v in LAYERS.items()} | {
    f"transformer.{k}": v for k, v in TRANSFORMER.items()
}


# Where torch has no second derivative (and computes hardsigmoid's first with a rounded 1/6).
ONCE = {f"nn.{name}" for name in layers_losses.ONCE}


def fed(spec, seed):
    """The values for one input, and whether a gradient is asked for."""
    kind, shape = spec if isinstance(spec[0], str) else (N, spec)
    rng = np.random.default_rng(seed)
    if kind == "ids":
        return rng.integers(0, 5, shape)
    if kind == "length":
        return shape
    if kind in ("chances", "fixed"):
        return rng.uniform(0.1, 0.9, shape)
    if kind == "signs":
        return np.resize([1.0, -1.0], shape)
    x = rng.normal(size=shape)
    if kind == "kinky":  # away from 0 and 6
        return np.sign(x) * (0.3 + np.abs(x))
    return x + 4 if kind == "far" else x


class Network:
    """A layer as a program of its inputs and its parameters, the same numbers on both libraries."""

    def __init__(self, name, dtype="float64"):
        self.make, specs = EVERY[name]
        tensor_core.manual_seed(1)
        layer = self.make(tensor_core)
        self.state = {k: v.detach().numpy().copy() for k, v in layer.state_dict().items()}
        self.names = [k for k, _ in layer.named_parameters()]
        rng = np.random.default_rng(4)
        for key, value in self.state.items():
            if value.dtype.kind == "f":  # no parameter stays 0 or 1, which would hide its slope
                noise = rng.normal(size=value.shape) * 0.3
                self.state[key] = np.asarray(
                    np.abs(value + noise) + 0.1 * (value > 1)
                    if key.endswith("running_var")
                    else value + noise,
                    dtype,
                )
        self.inputs = [fed(spec, i) for i, spec in enumerate(specs)]
        self.numbers = [x for x in self.inputs if isinstance(x, int)]
        self.arrays = [
            x.astype(dtype) if x.dtype.kind == "f" else x
            for x in self.inputs
            if not isinstance(x, int)
        ]
        self.fixed = [i for i, s in enumerate(specs) if s[0] in ("fixed", "signs")]
        count = len(self.arrays)
        self.arrays += [self.state[k] for k in self.names]
        self.count = count
        self.wrt = [
            i for i, a in enumerate(self.arrays) if a.dtype.kind == "f" and i not in self.fixed
        ]
        self.layers = {}

    def layer(self, library, dtype):
        """The layer, made once a library and precision, with the common state."""
        if (library, dtype) not in self.layers:
            layer = self.make(library).to(dtype)
            state = {k: tensor(library, v) for k, v in self.state.items()}
            layer.load_state_dict(state)
            self.layers[library, dtype] = layer
        return self.layers[library, dtype]

    def __call__(self, library, *tensors):
        kinds = [t.dtype for t in tensors if t.dtype.is_floating_point]
        layer = self.layer(library, kinds[0] if kinds else library.float64)
        places = dict(zip(self.names, tensors[self.count :], strict=True))
        named = {id(p): places[k] for k, p in layer.named_parameters()}
        before = []
        for module in layer.modules():
            for key, p in module._parameters.items():
                if id(p) in named:
                    before.append((module._parameters, key, p))
                    module._parameters[key] = named[id(p)]
        try:
            library.manual_seed(7)  # what is dropped is the same every time
            return layer(*self.numbers, *tensors[: self.count])
        finally:
            for parameters, key, p in before:
                parameters[key] = p


def packed(network):
    """A network as a function of one vector of all its numbers, and of its integers.

    What has many inputs and parameters is so tried along directions in which all of them move.
    """
    wrt = set(network.wrt)
    others = [a for i, a in enumerate(network.arrays) if i not in wrt]
    vector = np.concatenate([network.arrays[i].reshape(-1) for i in network.wrt])

    def program(numbers, *rest):
        start, given, tensors = 0, iter(rest), []
        for i, array in enumerate(network.arrays):
            if i in wrt:
                tensors.append(numbers[start : start + array.size].reshape(array.shape))
                start += array.size
            else:
                tensors.append(next(given))
        return network(tensor_core, *tensors)

    return program, [vector, *others]


PRECISIONS = ("float64", "float32")
LARGE = 120  # numbers of inputs and parameters together


def size_of(network):
    return sum(network.arrays[i].size for i in network.wrt)


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("name", EVERY)
def test_finite_differences(name, dtype):
    """First and second derivatives by inputs and by parameters."""
    network = Network(name, dtype)
    options = {"engine": "tensor_core", "name": name, "order": 2}
    if size_of(network) > LARGE:
        report = check_grads(*packed(network), wrt=(0,), **options)
    else:
        domain = [None] * len(network.arrays)
        domain[:1] = [(0.0, 1.0) if "BCELoss" in name else None]
        report = check_grads(
            lambda *tensors: network(tensor_core, *tensors),
            network.arrays,
            wrt=network.wrt,
            domain=domain,
            **options,
        )
    tally[f"modules by finite differences in {dtype}"] += 1
    tally["comparisons by gradcheck"] += report.checks
    tally["inconclusive verdicts"] += report.verdict == "inconclusive"
    assert report.verdict == "pass", str(report)


@pytest.mark.kernels
@pytest.mark.parametrize("name", EVERY)
def test_torch(name):
    network = Network(name)
    with sdpa_kernel(SDPBackend.MATH):  # torch's fused attention has no second derivative
        order, tolerance = (1, (1e-7, 1e-8)) if name in ONCE else (2, (1e-8, 1e-9))
        outcome = agree(network, network.arrays, order, network.wrt, tolerance)
    assert outcome.error is None, outcome.error
    assert any(np.any(g) for g in outcome.first), "nothing was differentiated"
    tally["modules beside torch"] += 1


@pytest.mark.kernels
@pytest.mark.parametrize("name", EVERY)
def test_torch_in_float32(name):
    network = Network(name, "float32")
    outcome = agree(network, network.arrays, 1, network.wrt, (1e-4, 2e-5))
    assert outcome.error is None, outcome.error
