"""Attention and Transformer modules on both libraries: weights, outputs, gradients, errors."""

import warnings

import numpy as np
import pytest
import torch
from side_by_side import BOTH, array, close, error_of, tensor

import tensor_core

pytestmark = pytest.mark.filterwarnings("ignore:enable_nested_tensor", "ignore:Support for mis")


def flat(value):
    """The tensors in a result, however it is nested."""
    if isinstance(value, tuple | list):
        return [t for v in value for t in flat(v)]
    return [] if value is None else [value]


def same(ours, theirs, tolerance=(2e-5, 1e-5)):
    ours, theirs = flat(ours), flat(theirs)
    assert len(ours) == len(theirs)
    for k, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        close(array(a), array(b), tolerance, what=f"result {k}")


def made(library, make):
    """A module from a fixed seed, its biases and norms moved away from their 0 and 1."""
    library.manual_seed(3)
    module = make(library.nn)
    with library.no_grad():
        for k, p in enumerate(module.parameters()):
            if p.dim() == 1:
                noise = np.random.default_rng(k).normal(size=tuple(p.shape)) * 0.3
                p += tensor(library, noise.astype("float32"))
    return module


def leaf(library, *shape, seed=0):
    values = np.random.default_rng(seed).normal(size=shape).astype("float32")
    return tensor(library, values).requires_grad_()


def trained(library, make, inputs, call):
    """Outputs, and the gradients of inputs and parameters; dropout draws from a fixed seed."""
    module = made(library, make)
    leaves = [leaf(library, *shape, seed=k) for k, shape in enumerate(inputs)]
    library.manual_seed(5)
    results = flat(call(library, module, *leaves))
    sum((y * y).sum() + y.sum() for y in results).backward()
    grads = [p.grad for p in [*leaves, *module.parameters()]]
    return results, [g for g in grads if g is not None]


def causal(library, n):
    return library.nn.Transformer.generate_square_subsequent_mask(n)


def hidden(library, *shape):
    """A boolean mask that leaves the first of each row visible."""
    mask = np.random.default_rng(1).random(shape) < 0.4
    mask[..., 0] = False
    return tensor(library, mask)


SELF = [(4, 2, 6)]
OTHER = [(4, 2, 6), (3, 2, 6), (3, 2, 6)]
ATTENTION = {
    "self": ({}, SELF, lambda t, m, x: m(x, x, x)),
    "without weights": ({}, SELF, lambda t, m, x: m(x, x, x, need_weights=False)),
    "other": ({"bias": False}, OTHER, lambda t, m, *x: m(*x, average_attn_weights=False)),
    "key is value": ({"batch_first": True}, OTHER[:2], lambda t, m, q, k: m(q, q[:, :1], q[:, :1])),
    "sizes": ({"kdim": 3, "vdim": 5}, [(4, 2, 6), (3, 2, 3), (3, 2, 5)], lambda t, m, *x: m(*x)),
    "bias_kv": (
        {"add_bias_kv": True, "add_zero_attn": True},
        OTHER,
        lambda t, m, *x: m(*x, key_padding_mask=hidden(t, 2, 3), attn_mask=hidden(t, 4, 3)),
    ),
    "dropout": ({"dropout": 0.4}, SELF, lambda t, m, x: m(x, x, x)),
    "dropout without weights": (
        {"dropout": 0.4, "batch_first": True}, SELF,
        lambda t, m, x: m(x, x, x, need_weights=False),
    ),
    "unbatched": ({}, [(4, 6)], lambda t, m, x: m(x, x, x, key_padding_mask=hidden(t, 4))),
    "causal": (
        {}, SELF,
        lambda t, m, x: m(x, x, x, need_weights=False, attn_mask=causal(t, 4), is_causal=True),
    ),
    "causal with weights": (
        {}, SELF, lambda t, m, x: m(x, x, x, attn_mask=causal(t, 4), is_causal=True)
    ),
    "a mask a head": (
        {}, SELF, lambda t, m, x: m(x, x, x, need_weights=False, attn_mask=hidden(t, 4, 4, 4))
    ),
    "both masks": (
        {}, SELF,
        lambda t, m, x: m(
            x, x, x, key_padding_mask=hidden(t, 2, 4), need_weights=False, attn_mask=causal(t, 4)
        ),
    ),
    "at rest": ({"batch_first": True}, SELF, lambda t, m, x: m.eval()(x, x, x)),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTENTION)
def test_attention(name):
    options, inputs, call = ATTENTION[name]
    ours, theirs = (
        trained(t, lambda nn: nn.MultiheadAttention(6, 2, **options), inputs, call)
        for t in (tensor_core, torch)
    )
    same(ours, theirs)


@pytest.mark.parametrize("weights", [True, False])
@pytest.mark.parametrize("masks", [("padding",), ("attn",), ("padding", "attn"), ()])
def test_attention_at_rest_without_gradients(masks, weights):
    """torch has a kernel of its own for this case."""

    def program(library):
        module = made(library, lambda nn: nn.MultiheadAttention(6, 2, batch_first=True)).eval()
        x = leaf(library, 3, 4, 6)
        more = {}
        if "padding" in masks:
            more["key_padding_mask"] = hidden(library, 3, 4)
        if "attn" in masks:
            more["attn_mask"] = hidden(library, 4, 4)
        with library.no_grad():
            return module(x, x, x, need_weights=weights, **more)

    same(program(tensor_core), program(torch))


SMALL = {"d_model": 6, "nhead": 2, "dim_feedforward": 5}
LAYERS = {
    "plain": {},
    "norm_first": {"norm_first": True, "activation": "gelu"},
    "no dropout, no bias": {"dropout": 0.0, "bias": False, "layer_norm_eps": 1e-3},
    "batch_first": {"batch_first": True, "dropout": 0.3},
}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("masked", [True, False])
def test_layers(name, masked):
    options = {**SMALL, **LAYERS[name]}
    size = 2 if name == "batch_first" else 4
    batch = 4 if name == "batch_first" else 2
    source, target = [(4, 2, 6)], [(4, 2, 6), (4, 2, 6)]

    def encode(t, layer, x):
        more = {"src_mask": causal(t, size), "src_key_padding_mask": hidden(t, batch, size)}
        return layer(x, **more) if masked else layer(x)

    def decode(t, layer, x, memory):
        more = {"tgt_mask": causal(t, size), "memory_key_padding_mask": hidden(t, batch, size)}
        return layer(x, memory, **more, tgt_is_causal=True) if masked else layer(x, memory)

    def encoder(nn):
        return nn.TransformerEncoderLayer(**options)

    def decoder(nn):
        return nn.TransformerDecoderLayer(**options)

    for make, inputs, call in ((encoder, source, encode), (decoder, target, decode)):
        same(*(trained(t, make, inputs, call) for t in (tensor_core, torch)))


def transformer(nn, **options):
    return nn.Transformer(6, 2, 2, 2, 5, **options)


def test_the_first_weights_and_the_state_are_torchs():
    for make in (
        transformer,
        lambda nn: nn.TransformerEncoder(nn.TransformerEncoderLayer(**SMALL), 2),
        lambda nn: nn.MultiheadAttention(6, 2, kdim=3, add_bias_kv=True),
    ):
        ours, theirs = (make(t.manual_seed(8) and t.nn).state_dict() for t in (tensor_core, torch))
        assert list(ours) == list(theirs)
        for key, value in ours.items():
            assert np.array_equal(array(value), array(theirs[key])), key


@pytest.mark.parametrize("said", [None, True])
def test_a_transformer(said):
    def call(t, model, src, tgt):
        return model(
            src, tgt, tgt_mask=causal(t, 3), src_key_padding_mask=hidden(t, 2, 4),
            memory_key_padding_mask=hidden(t, 2, 4), tgt_is_causal=said,
        )  # fmt: skip

    inputs = [(4, 2, 6), (3, 2, 6)]
    same(*(trained(t, transformer, inputs, call) for t in (tensor_core, torch)), (1e-4, 2e-5))


PADDING = {
    "at the end": [[0, 0, 0, 1], [0, 1, 1, 1], [0, 0, 0, 0]],
    "at the front": [[1, 0, 0, 0], [0, 0, 0, 0], [1, 1, 0, 0]],
}


@pytest.mark.parametrize("where", PADDING)
@pytest.mark.parametrize("gradients", [True, False])
@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("norm", [True, False])
def test_what_comes_out_where_the_input_was_padding(where, gradients, enabled, norm):
    def program(library):
        nn = library.nn
        layer = made(library, lambda nn: nn.TransformerEncoderLayer(**SMALL, batch_first=True))
        last = nn.LayerNorm(6) if norm else None
        encoder = nn.TransformerEncoder(layer, 2, last, enable_nested_tensor=enabled).eval()
        padding = tensor(library, np.array(PADDING[where], bool))
        with library.set_grad_enabled(gradients):
            return encoder(leaf(library, 3, 4, 6).detach(), src_key_padding_mask=padding)

    same(program(tensor_core), program(torch))


REPRS = {
    "attention": lambda nn: nn.MultiheadAttention(6, 2, bias=False),
    "transformer": lambda nn: transformer(nn, norm_first=True),
    "encoder layer": lambda nn: nn.TransformerEncoderLayer(**SMALL, activation=nn.GELU()),
    "embedding": lambda nn: nn.Embedding(5, 3, 1, max_norm=2.0, norm_type=1.0, sparse=True),
    "frequency": lambda nn: nn.Embedding(5, 3, scale_grad_by_freq=True),
    "bag": lambda nn: nn.EmbeddingBag(5, 3, mode="sum", padding_idx=-1),
    "bag of norm": lambda nn: nn.EmbeddingBag(5, 3, 2.0, 1.0, True),
}


@pytest.mark.parametrize("name", REPRS)
def test_reprs(name):
    assert repr(REPRS[name](tensor_core.nn)) == repr(REPRS[name](torch.nn))


def attend(t, *shapes, **more):
    q, k, v = (t.ones(*s) for s in shapes)
    return t.nn.MultiheadAttention(6, 2)(q, k, v, **more)


def sdpa(t, *heads, mask=None, kind="float32", **more):
    q, k, v = (t.ones(1, h, 3, 4) for h in heads)
    return t.nn.functional.scaled_dot_product_attention(q, k.to(getattr(t, kind)), v, mask, **more)


X = (4, 2, 6)
WRONG = {
    "keys for two heads of four": lambda t: sdpa(t, 4, 2, 2),
    "groups": lambda t: sdpa(t, 4, 3, 3, enable_gqa=True),
    "dropout_p": lambda t: sdpa(t, 1, 1, 1, dropout_p=1.5),
    "mask of integers": lambda t: sdpa(t, 1, 1, 1, mask=t.ones(3, 3, dtype=t.int64)),
    "mask of float64": lambda t: sdpa(t, 1, 1, 1, mask=t.ones(3, 3, dtype=t.float64)),
    "mask's shape beside scores": lambda t: sdpa(t, 1, 1, 1, mask=t.ones(3, 2)),
    "key's type": lambda t: sdpa(t, 1, 1, 1, kind="float64"),
    "mask and causal, dropping": lambda t: sdpa(
        t, 1, 1, 1, mask=t.ones(3, 3), is_causal=True, dropout_p=0.5
    ),
    "indices' type": lambda t: t.nn.Embedding(4, 3)(t.tensor([1], dtype=t.uint8)),
    "table's dimensions": lambda t: t.nn.functional.embedding(t.tensor([1]), t.ones(3)),
    "index": lambda t: t.nn.Embedding(4, 3)(t.tensor([4])),
    "embed_dim": lambda t: t.nn.MultiheadAttention(0, 2),
    "heads": lambda t: t.nn.MultiheadAttention(6, 4),
    "4-d": lambda t: attend(t, (1, *X), (1, *X), (1, *X)),
    "unbatched key": lambda t: attend(t, X, (4, 6), (4, 6)),
    "features": lambda t: attend(t, (4, 2, 4), (4, 2, 4), (4, 2, 4)),
    "keys and values": lambda t: attend(t, X, (3, 2, 6), X),
    "padding's size": lambda t: attend(t, X, X, X, key_padding_mask=t.zeros(2, 3)),
    "padding's dimensions": lambda t: attend(t, X, X, X, key_padding_mask=t.zeros(2)),
    "mask's size": lambda t: attend(t, X, X, X, attn_mask=t.zeros(4, 3)),
    "mask of heads": lambda t: attend(t, X, X, X, attn_mask=t.zeros(2, 4, 4)),
    "mask's dimensions": lambda t: attend(t, X, X, X, attn_mask=t.zeros(4)),
    "mask's type": lambda t: attend(t, X, X, X, attn_mask=t.zeros(4, 4, dtype=t.int64)),
    "causal without mask": lambda t: attend(t, X, X, X, is_causal=True),
    "activation": lambda t: t.nn.TransformerEncoderLayer(6, 2, 5, activation="tanh"),
    "batches": lambda t: transformer(t.nn)(t.ones(4, 2, 6), t.ones(4, 3, 6)),
    "model size": lambda t: transformer(t.nn)(t.ones(4, 2, 6), t.ones(4, 2, 4)),
    "backend": lambda t: t.nn.attention.sdpa_kernel("math").__enter__(),
    "padding_idx": lambda t: t.nn.Embedding(4, 3, padding_idx=4),
    "weight's shape": lambda t: t.nn.Embedding(4, 3, _weight=t.ones(3, 3)),
    "table of 1-d": lambda t: t.nn.Embedding.from_pretrained(t.ones(3)),
    "bag's padding_idx": lambda t: t.nn.EmbeddingBag(4, 3, padding_idx=-5),
    "bag's mode": lambda t: t.nn.EmbeddingBag(4, 3, mode="min")(t.tensor([[1]])),
    "bag's 3-d": lambda t: t.nn.EmbeddingBag(4, 3)(t.tensor([[[1]]])),
    "no offsets": lambda t: t.nn.EmbeddingBag(4, 3)(t.tensor([1])),
    "offsets of 2-d": lambda t: t.nn.EmbeddingBag(4, 3)(t.tensor([[1]]), t.tensor([0])),
    "weights of a mean": lambda t: t.nn.EmbeddingBag(4, 3)(t.tensor([[1]]), None, t.ones(1, 1)),
    "number of weights": lambda t: t.nn.EmbeddingBag(4, 3, mode="sum")(
        t.tensor([[1]]), None, t.ones(1, 2)
    ),
    "first offset": lambda t: t.nn.EmbeddingBag(4, 3)(t.tensor([1, 2]), t.tensor([1])),
    "last offset": lambda t: t.nn.EmbeddingBag(4, 3)(t.tensor([1, 2]), t.tensor([0, 3])),
    "frequency of a max": lambda t: t.nn.EmbeddingBag(4, 3, scale_grad_by_freq=True, mode="max")(
        t.tensor([[1]])
    ),
    "bag out of range": lambda t: t.nn.EmbeddingBag(4, 3)(t.tensor([[5]])),
}


@pytest.mark.parametrize("name", WRONG)
def test_the_same_kind_of_error(name):
    theirs = error_of(lambda: WRONG[name](torch))
    assert theirs is not None
    assert error_of(lambda: WRONG[name](tensor_core)) is theirs


def test_warnings():
    for library in BOTH:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            transformer(library.nn)
            mask, padding = library.zeros(4, 4), library.zeros(2, 4, dtype=library.bool)
            attend(library, X, X, X, attn_mask=mask, key_padding_mask=padding)
        assert [w.category for w in said] == [UserWarning, UserWarning]
        assert "use_nested_tensor is False because encoder_layer" in str(said[0].message)


SDPA = {
    "scale": {"scale": 0.3},
    "causal": {"is_causal": True},
    "dropout": {"dropout_p": 0.4},
    "dropout, causal": {"dropout_p": 0.4, "is_causal": True},
    "grouped": {"enable_gqa": True, "heads": 2},
    "grouped dropout": {"enable_gqa": True, "heads": 1, "dropout_p": 0.2},
}


@pytest.mark.parametrize("mask", [None, "bool", "float", "nothing seen", "broadcast"])
@pytest.mark.parametrize("name", SDPA)
def test_scaled_dot_product_attention(name, mask):
    options = dict(SDPA[name])
    heads = options.pop("heads", 4)
    if mask and name == "dropout, causal":
        del options["is_causal"]

    def program(library):
        q, k, v = (leaf(library, 2, h, 4, 6, seed=i) for i, h in enumerate((4, heads, heads)))
        seen = {
            "bool": ~hidden(library, 4, 4),
            "float": leaf(library, 2, 4, 4, 4, seed=9).detach(),
            "nothing seen": ~library.ones(4, 4, dtype=library.bool).tril(-1).logical_not(),
            "broadcast": ~hidden(library, 2, 1, 1, 4),
        }.get(mask)
        library.manual_seed(2)
        y = library.nn.functional.scaled_dot_product_attention(q, k, v, seen, **options)
        (y * y).sum().backward()
        return y, q.grad, k.grad, v.grad

    same(program(tensor_core), program(torch))


IDS = np.array([[1, 4, 1, 3], [2, 2, 0, 3]])
BAGS = {
    "mean": {},
    "sum": {"mode": "sum"},
    "max": {"mode": "max"},
    "mean without padding": {"padding_idx": 3},
    "sum without padding": {"mode": "sum", "padding_idx": 1},
    "max without padding": {"mode": "max", "padding_idx": -4},
    "norm": {"max_norm": 1.0},
}


@pytest.mark.parametrize("name", BAGS)
@pytest.mark.parametrize("layout", ["2-d", "offsets", "last offset", "weighted"])
def test_embedding_bag(name, layout):
    if layout == "weighted" and BAGS[name].get("mode") != "sum":
        layout = "empty bags"

    def program(library):
        options = {**BAGS[name], "include_last_offset": layout == "last offset"}
        bag = made(library, lambda nn: nn.EmbeddingBag(5, 3, **options))
        ids = tensor(library, IDS)
        offsets = {"offsets": [0, 3], "last offset": [0, 3, 8], "empty bags": [0, 0, 5, 8]}
        if layout == "2-d":
            y = bag(ids)
        elif layout == "weighted":
            weights = leaf(library, 2, 4)
            y = bag(ids, per_sample_weights=weights)
        else:
            y = bag(ids.reshape(-1), library.tensor(offsets[layout]))
        (y * y + y).sum().backward()
        more = [weights.grad] if layout == "weighted" else []
        return y, bag.weight.grad, bag.weight, more

    same(program(tensor_core), program(torch))


EMBEDDINGS = {
    "max_norm": {"max_norm": 1.0},
    "max_norm of order 1": {"max_norm": 1.5, "norm_type": 1.0},
    "max_norm, largest": {"max_norm": 0.5, "norm_type": float("inf")},
    "frequency": {"scale_grad_by_freq": True},
    "frequency and padding": {"scale_grad_by_freq": True, "padding_idx": 2},
    "padding": {"padding_idx": -2},
}


@pytest.mark.parametrize("name", EMBEDDINGS)
def test_embedding(name):
    def program(library):
        table = made(library, lambda nn: nn.Embedding(5, 3, **EMBEDDINGS[name]))
        y = table(tensor(library, IDS))
        (y * y + y).sum().backward()
        return y, table.weight.grad, table.weight

    same(program(tensor_core), program(torch))


def test_embedding_with_the_table_first():
    ours, theirs = (
        t.embedding(t.eye(3), t.tensor([[2], [0]]), padding_idx=0).tolist() for t in BOTH
    )
    assert ours == theirs


def test_what_no_two_of_torchs_modes_agree_on_is_refused():
    bag = tensor_core.nn.EmbeddingBag(4, 3, include_last_offset=True)
    ids = tensor_core.tensor([1, 2, 3])
    with pytest.raises(RuntimeError, match="offsets\\[-1\\] is the input's size, 3, not 2"):
        bag(ids, tensor_core.tensor([0, 2]))
    with pytest.raises(RuntimeError, match="scale_grad_by_freq is not supported"):
        tensor_core.nn.EmbeddingBag(4, 3, scale_grad_by_freq=True)(ids[None])


def test_from_pretrained():
    for library in BOTH:
        table = library.eye(3)
        bag = library.nn.EmbeddingBag.from_pretrained(table, mode="sum", padding_idx=0)
        assert not bag.weight.requires_grad
        assert bag(library.tensor([[0, 2, 2]])).tolist() == [[0.0, 0.0, 2.0]]
        embedding = library.nn.Embedding.from_pretrained(table, freeze=False, max_norm=0.5)
        assert embedding.weight.requires_grad
        near = pytest.approx([0.0, 0.5, 0.0])
        assert embedding(library.tensor([1])).tolist()[0] == near
        assert table.tolist()[1] == near  # the table itself was brought to the norm


def test_the_choice_of_a_kernel_is_accepted():
    for library in BOTH:
        attention = library.nn.attention
        q = library.ones(1, 1, 2, 2)
        with attention.sdpa_kernel([attention.SDPBackend.MATH], set_priority=True):
            y = library.nn.functional.scaled_dot_product_attention(q, q, q)
        assert y.tolist() == q.tolist()
        assert int(attention.SDPBackend.FLASH_ATTENTION) == 1
        assert repr(attention.SDPBackend.MATH) == repr(torch.nn.attention.SDPBackend.MATH)
