"""Convolution and everything spatial beside torch: shapes, values, draws, states and errors."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from side_by_side import BOTH, agree, array, close, error_of, tally, tensor

import tensor_core

F = {library: library.nn.functional for library in BOTH}
X = np.random.default_rng(2).normal(size=(2, 4, 6, 5))
NAN = np.where(X > 1.2, np.nan, X)


# -- random geometries ---------------------------------------------------------------------------


@st.composite
def convolutions(draw, transposed=False):
    """Arrays and arguments of a convolution of one to three dimensions."""
    n = draw(st.integers(1, 3))
    groups = draw(st.integers(1, 2))
    c, o = (groups * draw(st.integers(1, 2)) for _ in range(2))

    def each(low, high):
        return tuple(draw(st.integers(low, high)) for _ in range(n))

    sizes, kernel, stride, dilation = each(1, 5 - n + 2), each(1, 3), each(1, 3), each(1, 2)
    padding = each(0, 2)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    shape = (c, o // groups) if transposed else (o, c // groups)
    batch = draw(st.sampled_from([(), (1,), (3,)]))
    arrays = [rng.normal(size=(*batch, c, *sizes)), rng.normal(size=(*shape, *kernel))]
    if draw(st.booleans()):
        arrays.append(rng.normal(size=o))
    return n, arrays, stride, padding, dilation, groups


@given(convolutions())
def test_convolution(case):
    n, arrays, stride, padding, dilation, groups = case

    def program(t, x, w, b=None):
        return getattr(t, f"conv{n}d")(x, w, b, stride, padding, dilation, groups)

    agree(program, arrays, order=2, same_error=True)


@given(convolutions(transposed=True), st.integers(0, 2))
def test_transposed_convolution(case, extra):
    n, arrays, stride, padding, dilation, groups = case
    assume(n != 3 or extra < max(stride))  # torch checks three dimensions less strictly

    def program(t, x, w, b=None):
        function = getattr(t, f"conv_transpose{n}d")
        return function(x, w, b, stride, padding, extra, groups, dilation)

    agree(program, arrays, order=2, same_error=True)


def test_many_windows_are_worked_off_in_pieces():
    """More columns than fit into the cache at a time: by samples, and by rows of one sample."""
    rng = np.random.default_rng(0)
    for shape, o, stride in (
        ((40, 8, 20, 20), 4, 1),
        ((2, 16, 80, 70), 3, 2),
        ((9, 2, 40, 40), 2, 2),
    ):
        x, w = rng.normal(size=shape), rng.normal(size=(o, shape[1], 3, 3))
        agree(lambda t, x, w, s=stride: t.conv2d(x, w, stride=s, padding=1), [x, w], order=1)
        back = rng.normal(size=(shape[0], o, 20, 20))
        agree(lambda t, x, w, s=stride: t.conv_transpose2d(x, w, stride=s), [back, w], order=1)


@st.composite
def poolings(draw):
    n = draw(st.integers(1, 3))
    sizes = tuple(draw(st.integers(1, 6)) for _ in range(n))
    kernel = tuple(draw(st.integers(1, 3)) for _ in range(n))
    stride = draw(st.none() | st.integers(1, 3))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    shape = (*draw(st.sampled_from([(2,), (1, 2)])), *sizes)
    x = np.random.default_rng(draw(st.integers(0, 99))).permutation(int(np.prod(shape))) * 0.1
    return n, x.reshape(shape), kernel, stride, padding, draw(st.booleans())


@given(poolings(), st.integers(1, 2))
def test_max_pooling(case, dilation):
    n, x, kernel, stride, padding, ceil = case
    assume(dilation == 1 or not any(padding))  # torch crashes on windows of nothing but border

    def program(t, x):
        function = getattr(t.nn.functional, f"max_pool{n}d")
        y, index = function(x, kernel, stride, padding, dilation, ceil, return_indices=True)
        return [function(x, kernel, stride, padding, dilation, ceil), y, index]

    agree(program, [x], same_error=True)


@given(poolings(), st.booleans(), st.sampled_from([None, 3]))
def test_average_pooling(case, include, divisor):
    n, x, kernel, stride, padding, ceil = case
    more = () if n == 1 else (divisor,)

    def program(t, x):
        function = getattr(t.nn.functional, f"avg_pool{n}d")
        return function(x, kernel, stride, padding, ceil, include, *more)

    agree(program, [x], same_error=True)


@given(poolings(), st.integers(1, 5))
def test_adaptive_pooling(case, size):
    n, x, *_ = case

    def program(t, x):
        mean = getattr(t.nn.functional, f"adaptive_avg_pool{n}d")(x, size)
        return [mean, *getattr(t.nn.functional, f"adaptive_max_pool{n}d")(x, size, True)]

    agree(program, [x])


@given(
    st.sampled_from(["reflect", "replicate", "circular", "constant"]),
    st.lists(st.integers(-2, 4), min_size=2, max_size=4),
)
def test_padding(mode, pad):
    assume(len(pad) % 2 == 0)
    assume(mode != "circular" or all(a >= 0 or b <= 0 for a, b in (pad[:2], pad[::-1][:2])))

    def program(t, x):
        return t.nn.functional.pad(x, pad, mode)

    x = X[:1, :1, :4, :3] if len(pad) == 4 else X[0, :2, :4]
    ours, theirs = (error_of(lambda t=t: program(t, tensor(t, x))) for t in BOTH)
    if ours is None and theirs is None:
        agree(program, [x])
    elif mode != "circular":  # where torch copies memory onto itself it refuses
        assert ours == theirs


@given(
    st.sampled_from(["nearest", "nearest-exact", "area", "bilinear", "bicubic"]),
    st.tuples(st.integers(1, 9), st.integers(1, 9)) | st.floats(0.3, 3),
    st.sampled_from([None, True, False]),
    st.booleans(),
)
def test_resizing(mode, to, align, flag):
    corners = align if mode in ("bilinear", "bicubic") else None
    # torch copies the cotangent where the sizes are equal, though its forward resizes by the factor
    assume(mode != "bicubic" or not isinstance(to, float) or int(4 * to) != 4)
    named = {"size": to} if isinstance(to, tuple) else {"scale_factor": to}
    if "size" not in named:
        named["recompute_scale_factor"] = flag
    elif mode in ("bilinear", "bicubic"):
        named["antialias"] = flag and to[1] > 1  # torch repeats the first row of a width of 1

    def program(t, x):
        return t.nn.functional.interpolate(x, mode=mode, align_corners=corners, **named)

    agree(program, [X[:1, :1, :4, :3]], same_error=True)
    tally["resizings beside torch"] += 1


def test_resizing_what_is_long():
    """Dimensions too long for a matrix product are added up by a table on the way back."""
    x = np.random.default_rng(4).normal(size=(1, 2, 300))
    for named in ({"size": 700, "mode": "linear"}, {"scale_factor": 0.37}):
        agree(lambda t, x, named=named: t.nn.functional.interpolate(x, **named), [x])


@given(
    st.sampled_from(["bilinear", "nearest", "bicubic"]),
    st.sampled_from(["zeros", "border", "reflection"]),
    st.booleans(),
    st.integers(0, 99),
)
def test_sampling_by_a_grid(mode, border, align, seed):
    rng = np.random.default_rng(seed)
    grid = rng.uniform(-2.5, 2.5, size=(2, 3, 2, 2))

    def program(t, x, grid):
        return t.nn.functional.grid_sample(x, grid, mode, border, align)

    agree(program, [X[:, :2, :3, :4], grid])
    if mode != "bicubic":
        volume = rng.uniform(-2, 2, size=(1, 2, 1, 3, 3))
        agree(program, [X[:1, :, :3].reshape(1, 2, 2, 3, 5), volume], order=1)


# -- values that are no numbers, and types -------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "int64", "float32"])
def test_types(dtype):
    """Halves, and integers where torch computes with them."""

    def results(t):
        x = tensor(t, np.round(X * 4)).to(getattr(t, dtype))
        w = tensor(t, np.round(X[:2, :, :3, :2])).to(getattr(t, dtype))
        yield t.conv2d(x, w, padding=1)
        yield t.nn.functional.max_pool2d(x, 2)
        if dtype != "int64":
            norm = t.nn.BatchNorm2d(4).to(getattr(t, dtype))
            yield norm(x).detach()
            yield t.nn.functional.interpolate(x, 4, mode="bicubic")
        yield t.nn.functional.avg_pool2d(x, 3, 2, 1)

    for ours, theirs in zip(results(tensor_core), results(torch), strict=True):
        assert str(ours.dtype) == str(theirs.dtype)
        tolerance = {"float16": 4e-3, "bfloat16": 4e-2}.get(dtype, 1e-5)
        a, b = array(ours.double()), array(theirs.double())
        np.testing.assert_allclose(a, b, tolerance, tolerance * np.abs(b).max())


@pytest.mark.parametrize("value", [np.nan, -np.inf, np.inf])
def test_pooling_what_is_no_number(value):
    x = np.where(np.abs(X) > 0.6, value, X)

    def program(t, x):
        f = t.nn.functional
        return [
            *f.max_pool2d(x, 3, 2, 1, return_indices=True),
            f.adaptive_avg_pool2d(x, (2, 3)),
            f.avg_pool2d(x, 2),
            f.interpolate(x, scale_factor=2),
            *f.adaptive_max_pool2d(x, 2, return_indices=True),
        ]

    agree(program, [x], order=1)


# -- layers --------------------------------------------------------------------------------------

MADE = {
    "conv1d": lambda t: t.nn.Conv1d(3, 6, 3, padding="same", padding_mode="reflect", groups=3),
    "conv2d": lambda t: t.nn.Conv2d(3, 8, (3, 5), stride=2, padding=(1, 2), dilation=(1, 2)),
    "conv3d": lambda t: t.nn.Conv3d(2, 4, 2, bias=False),
    "transposed": lambda t: t.nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, groups=2, dilation=2),
    "batch norm": lambda t: t.nn.BatchNorm3d(5, affine=True, bias=False, momentum=None),
    "instance norm": lambda t: t.nn.InstanceNorm2d(5, affine=True, track_running_stats=True),
    "sync": lambda t: t.nn.SyncBatchNorm(3),
    "pools": lambda t: t.nn.Sequential(
        t.nn.MaxPool2d(2, ceil_mode=True), t.nn.AvgPool1d(3), t.nn.AvgPool3d(2, 1),
        t.nn.LPPool2d(2, 3), t.nn.AdaptiveAvgPool2d((None, 3)), t.nn.AdaptiveMaxPool1d(2),
        t.nn.MaxUnpool2d(2, 3, 1),
    ),
    "others": lambda t: t.nn.Sequential(
        t.nn.ZeroPad2d(1), t.nn.ConstantPad1d((1, 2), 0.5), t.nn.ReflectionPad3d(1),
        t.nn.CircularPad2d((1, 2, 0, 1)), t.nn.Upsample(scale_factor=(2, 1.5), mode="bilinear"),
        t.nn.Upsample(size=4), t.nn.PixelShuffle(2), t.nn.PixelUnshuffle(3),
        t.nn.ChannelShuffle(2), t.nn.Fold((4, 5), 2, stride=(1, 2)), t.nn.Unfold(3, padding=1),
        t.nn.Dropout2d(0.2), t.nn.AlphaDropout(), t.nn.LocalResponseNorm(3),
        t.nn.UpsamplingBilinear2d(scale_factor=2),
    ),
    "lazy": lambda t: t.nn.Sequential(
        t.nn.LazyConv2d(4, 3, padding=1), t.nn.LazyBatchNorm2d(), t.nn.LazyConvTranspose1d(2, 3),
        t.nn.LazyInstanceNorm1d(),
    ),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:Lazy modules")
@pytest.mark.parametrize("name", MADE)
def test_a_layer_is_made_alike(name):
    """The same text, the same names in the state, and the same numbers drawn from a seed."""
    layers = []
    for t in BOTH:
        t.manual_seed(5)
        layers.append(MADE[name](t))
    theirs, ours = layers
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    if name != "lazy":
        for key, value in theirs.state_dict().items():
            np.testing.assert_array_equal(array(ours.state_dict()[key]), array(value), key)
    assert tensor_core.rand(1).item() == torch.rand(1).item()


@pytest.mark.filterwarnings("ignore:Lazy modules")
def test_lazy_layers_draw_what_torch_draws():
    results = []
    for t in BOTH:
        t.manual_seed(5)
        net = t.nn.Sequential(
            t.nn.LazyConv2d(4, 3), t.nn.LazyBatchNorm2d(), t.nn.LazyConvTranspose2d(2, 2)
        )
        y = net(tensor(t, X.astype(np.float32)))
        results.append((y, net))
    (theirs, their_net), (ours, our_net) = results
    close(array(ours), array(theirs), (1e-4, 1e-5))
    assert repr(our_net) == repr(their_net)
    for key, value in their_net.state_dict().items():
        close(array(our_net.state_dict()[key]), array(value), (1e-4, 1e-5), key)


@pytest.mark.parametrize("momentum", [0.3, None])
@pytest.mark.parametrize("kind", ["BatchNorm2d", "InstanceNorm2d", "SyncBatchNorm"])
def test_running_statistics(kind, momentum):
    if kind == "InstanceNorm2d" and momentum is None:
        momentum = 0.0
    states = []
    for t in BOTH:
        norm = t.nn.BatchNorm2d(4, momentum=momentum) if "Batch" in kind else None
        if kind == "SyncBatchNorm":  # torch's own wants a GPU in training
            norm = tensor_core.nn.SyncBatchNorm(4, momentum=momentum) if t is tensor_core else norm
        if norm is None:
            norm = getattr(t.nn, kind)(4, momentum=momentum, track_running_stats=True)
        for scale in (1.0, 3.0, -0.5):
            norm(tensor(t, (X * scale + scale).astype(np.float32)))
        y = norm.eval()(tensor(t, X.astype(np.float32)))
        states.append([array(v) for v in (*norm.state_dict().values(), y)])
    for ours, theirs in zip(states[1], states[0], strict=True):
        close(ours, theirs, (1e-4, 1e-5))


def test_batch_norms_become_synchronised():
    net = tensor_core.nn.Sequential(
        tensor_core.nn.Conv2d(2, 4, 1), tensor_core.nn.Sequential(tensor_core.nn.BatchNorm2d(4))
    )
    state = net.state_dict()
    made = tensor_core.nn.SyncBatchNorm.convert_sync_batchnorm(net)
    assert type(made[1][0]) is tensor_core.nn.SyncBatchNorm
    assert list(made.state_dict()) == list(state)
    assert made[1][0].weight is net[1][0].weight


def test_states_from_before_batches_were_counted():
    for t in BOTH:
        norm = t.nn.BatchNorm1d(2)
        norm(t.ones(3, 2))
        old = {k: v for k, v in norm.state_dict().items() if k != "num_batches_tracked"}
        fresh = t.nn.BatchNorm1d(2)
        assert not fresh.load_state_dict(dict(old), strict=False).missing_keys


def test_a_small_network_trains_alike():
    """A convolutional classifier from the same seed: losses and weights after ten steps."""
    results = []
    for t in BOTH:
        t.manual_seed(0)
        net = t.nn.Sequential(
            t.nn.Conv2d(1, 8, 3, padding=1), t.nn.BatchNorm2d(8), t.nn.ReLU(), t.nn.MaxPool2d(2),
            t.nn.Conv2d(8, 8, 3, stride=2, groups=2), t.nn.Dropout2d(0.25), t.nn.ReLU(),
            t.nn.AdaptiveAvgPool2d(1), t.nn.Flatten(), t.nn.Linear(8, 3),
        )  # fmt: skip
        optimizer = t.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
        losses = []
        for _ in range(10):
            x, y = t.randn(6, 1, 10, 10), t.randint(0, 3, (6,))
            loss = t.nn.functional.cross_entropy(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        results.append((losses, {k: array(v) for k, v in net.state_dict().items()}))
    np.testing.assert_allclose(results[1][0], results[0][0], 2e-4)
    for key, value in results[0][1].items():
        np.testing.assert_allclose(results[1][1][key], value, 2e-3, 2e-4, err_msg=key)


def test_activations_in_place_behind_norms_and_pools():
    """The order of ResNet and VGG: what the layers saved is not what the activation changes."""

    def program(t, x, w):
        f = t.nn.functional
        y = f.relu(f.batch_norm(t.conv2d(x, w), None, None, training=True), inplace=True)
        return f.relu(f.max_pool2d(y - 0.1, 2, 1), inplace=True) + f.relu_(f.avg_pool2d(y, 2, 1))

    agree(program, [X, X[:1, :4, :2, :3]])


# -- what is refused -----------------------------------------------------------------------------


def call(name, *args, **kwargs):
    return lambda t: getattr(t.nn.functional, name)(
        *[tensor(t, a.astype(np.float32)) if isinstance(a, np.ndarray) else a for a in args],
        **kwargs,
    )


W = np.ones((4, 4, 3, 3))
REFUSED = {
    "channels": call("conv2d", X, np.ones((4, 3, 3, 3))),
    "dimensions": call("conv2d", X[0, 0], W),
    "weight's dimensions": call("conv2d", X, np.ones((4, 4, 3))),
    "groups": call("conv2d", X, W, groups=3),
    "no groups": call("conv2d", X, W, groups=0),
    "bias": call("conv2d", X, W, np.ones(3)),
    "stride": call("conv2d", X, W, stride=0),
    "strides": call("conv2d", X, W, stride=(1, 2, 3)),
    "padding": call("conv2d", X, W, padding=-1),
    "padding word": call("conv2d", X, W, padding="full"),
    "same with stride": call("conv2d", X, W, padding="same", stride=2),
    "kernel too large": call("conv2d", X, W, dilation=3),
    "types": lambda t: t.conv2d(t.ones(1, 1, 3, 3), t.ones(1, 1, 2, 2, dtype=t.float64)),
    "not a tensor": lambda t: t.conv2d(1.0, t.ones(1, 1, 2, 2)),
    "output padding": call("conv_transpose2d", X, W, output_padding=1),
    "transposed channels": call("conv_transpose2d", X, np.ones((3, 4, 3, 3))),
    "pool too large": call("max_pool2d", X, 9),
    "pool padding": call("max_pool2d", X, 2, padding=2),
    "pool stride": call("avg_pool2d", X, 2, stride=0),
    "pool dimensions": call("max_pool2d", X[0, 0], 2),
    "pool divisor": call("avg_pool2d", X, 2, divisor_override=0),
    "adaptive sizes": call("adaptive_avg_pool2d", X, (1, 2, 3)),
    "adaptive negative": call("adaptive_avg_pool2d", X, -1),
    "unpool type": lambda t: t.nn.functional.max_unpool1d(
        t.ones(1, 1, 2), t.zeros(1, 1, 2, dtype=t.int32), 2
    ),
    "unpool index": lambda t: t.nn.functional.max_unpool1d(
        t.ones(1, 1, 2), t.full((1, 1, 2), 9), 2
    ),
    "unpool size": lambda t: t.nn.functional.max_unpool1d(
        t.ones(1, 1, 2), t.full((1, 1, 2), 1), 2, output_size=(9,)
    ),
    "unfold": call("unfold", X, 9),
    "fold": call("fold", X[0], (4, 4), 2),
    "pad pairs": call("pad", X, (1,)),
    "pad mode": call("pad", X, (1, 1), "mirror"),
    "pad reflecting": call("pad", X[0], (5, 0), "reflect"),
    "pad round twice": call("pad", X[0], (7, 0), "circular"),
    "pad dimensions": call("pad", X[0, 0], (1, 1, 1, 1), "reflect"),
    "pad value": call("pad", X[0], (1, 1), "reflect", 2.0),
    "resize nothing": call("interpolate", X),
    "resize both": call("interpolate", X, 2, 2),
    "resize mode": call("interpolate", X, 2, mode="linear"),
    "resize sizes": call("interpolate", X, (2, 3, 4)),
    "resize away": call("interpolate", X, scale_factor=0.1),
    "resize corners": call("interpolate", X, 2, align_corners=True),
    "resize antialiased": call("interpolate", X, 2, antialias=True),
    "sample mode": call("grid_sample", X, np.zeros((2, 1, 1, 2)), "linear"),
    "sample dimensions": call("grid_sample", X, np.zeros((2, 1, 1, 3))),
    "affine shape": call("affine_grid", np.zeros((1, 2, 2)), (1, 1, 2, 2)),
    "affine size": call("affine_grid", np.zeros((1, 2, 3)), (1, 1, 0, 2)),
    "pixel shuffle": call("pixel_shuffle", X, 3),
    "pixel unshuffle": call("pixel_unshuffle", X, 4),
    "channel shuffle": call("channel_shuffle", X, 3),
    "one value a channel": call("batch_norm", X[:1, :, :1, :1], None, None, training=True),
    "no statistics": call("batch_norm", X, None, None),
    "statistics of another size": call("batch_norm", X, np.ones(3), np.ones(3)),
    "one pixel": call("instance_norm", X[:, :, :1, :1]),
    "response of rows": call("local_response_norm", X[0, 0], 2),
    "dropout1d": call("dropout1d", X),
    "dropout2d": call("dropout2d", X[0, 0, 0]),
    "dropout probability": call("alpha_dropout", X, 1.5),
    "layer groups": lambda t: t.nn.Conv2d(3, 4, 2, groups=2),
    "layer padding word": lambda t: t.nn.Conv1d(1, 1, 1, padding="full"),
    "layer padding mode": lambda t: t.nn.Conv1d(1, 1, 1, padding_mode="full"),
    "layer output size": lambda t: t.nn.ConvTranspose1d(1, 1, 2, 2)(t.ones(1, 1, 3), [9]),
    "layer dimensions": lambda t: t.nn.BatchNorm2d(3)(t.ones(2, 3)),
    "layer probability": lambda t: t.nn.Dropout2d(-0.1),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_alike(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs, ours = (error_of(lambda t=t: REFUSED[name](t)) for t in BOTH)
    assert theirs is not None, "torch accepts it"
    assert ours is theirs
    tally["refusals beside torch"] += 1
