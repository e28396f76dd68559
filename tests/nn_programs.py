"""Functions of nn that no card tries under their own name, and names of nn without a derivative."""

import numpy as np

RNG = np.random.default_rng(11)
X = RNG.normal(size=(2, 3)) * 2
PLACES = [RNG.normal(size=(2, 3)) for _ in range(3)]


def drawn(t, function, *args, **options):
    """A function that draws, from the same seed."""
    t.manual_seed(3)
    return getattr(t.nn.functional, function)(*args, **options)


def in_place(function, *args):
    """The function's own in-place form, and the one its argument ``inplace`` asks for."""

    def program(t, x):
        y = getattr(t.nn.functional, f"{function}_")(x * 1, *args)
        return y, getattr(t.nn.functional, function)(x * 1, *args, inplace=True)

    return program


def asked(function, *args):
    """What ``inplace=True`` gives."""
    return lambda t, x: getattr(t.nn.functional, function)(x * 1, *args, inplace=True)


FUNCTIONS = {
    "relu_": (lambda t, x: t.nn.functional.relu_(x * 1), [X]),
    "leaky_relu_": (in_place("leaky_relu", 0.2), [X]),
    "elu_": (in_place("elu", 0.7), [X]),
    "celu_": (in_place("celu", 0.5), [X]),
    "selu_": (in_place("selu"), [X]),
    "hardtanh_": (in_place("hardtanh", -0.5, 0.7), [X]),
    "threshold_": (in_place("threshold", 0.1, 2.0), [X]),
    "rrelu_": (lambda t, x: drawn(t, "rrelu_", x * 1, training=True), [X]),
    "rrelu training": (lambda t, x: drawn(t, "rrelu", x, 0.1, 0.9, training=True), [X]),
    "relu6 inplace": (asked("relu6"), [X]),
    "mish inplace": (asked("mish"), [X]),
    "hardswish inplace": (asked("hardswish"), [X]),
    "gumbel_softmax": (lambda t, x: drawn(t, "gumbel_softmax", x, 0.7), [X]),
    "gumbel_softmax hard": (lambda t, x: drawn(t, "gumbel_softmax", x, hard=True, dim=0), [X]),
    "triplet_margin_with_distance_loss": (
        lambda t, *three: t.nn.functional.triplet_margin_with_distance_loss(
            *three, distance_function=lambda a, b: (a - b).square().sum(-1), margin=9.0, swap=True
        ),
        PLACES,
    ),
}

EXCUSES = {
    "CTCLoss": "test_ctc_against_torch.py",
    **dict.fromkeys(["Container", "UninitializedBuffer", "UninitializedParameter"], "container"),
    **dict.fromkeys(
        [
            *("clip_grad_norm", "fuse_conv_bn_eval", "fuse_conv_bn_weights", "weight_norm"),
            *("fuse_linear_bn_eval", "fuse_linear_bn_weights", "remove_spectral_norm"),
            *("remove_weight_norm", "skip_init", "spectral_norm"),
        ],
        "test_nn_utils_against_torch.py",
    ),
}
