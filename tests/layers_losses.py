"""What tests/test_every_layer.py tries of losses, activations and distances: one line a layer."""

TRIPLE = [(3, 4), (3, 4), ("far", (3, 4))]
WITH_SIGNS = ("signs", (3,))

ACTIVATIONS = {
    "CELU": (lambda t: t.nn.CELU(0.5), [("kinky", (3, 3))]),
    "SELU": (lambda t: t.nn.SELU(), [("kinky", (3, 3))]),
    "Hardtanh": (lambda t: t.nn.Hardtanh(-9.0, 9.0), [("kinky", (3, 3))]),
    "Hardsigmoid": (lambda t: t.nn.Hardsigmoid(), [(3, 3)]),
    "Hardswish": (lambda t: t.nn.Hardswish(), [(3, 3)]),
    "Hardshrink": (lambda t: t.nn.Hardshrink(0.1), [("kinky", (3, 3))]),
    "Softshrink": (lambda t: t.nn.Softshrink(0.1), [("kinky", (3, 3))]),
    "Threshold": (lambda t: t.nn.Threshold(0.1, 2.0), [("kinky", (3, 3))]),
    "Tanhshrink": (lambda t: t.nn.Tanhshrink(), [(3, 3)]),
    "RReLU": (lambda t: t.nn.RReLU(), [("kinky", (3, 3))]),
    "RReLU at rest": (lambda t: t.nn.RReLU().eval(), [("kinky", (3, 3))]),
    "Softmin": (lambda t: t.nn.Softmin(1), [(2, 3)]),
    "Softmax2d": (lambda t: t.nn.Softmax2d(), [(2, 3, 2, 1)]),
    "LazyLinear": (lambda t: called_once(t, t.nn.LazyLinear(2), 3), [(2, 3)]),
}

LOSSES = {
    "HuberLoss": (lambda t: t.nn.HuberLoss(delta=0.7), [(2, 3), ("far", (2, 3))]),
    "NLLLoss2d": (
        lambda t: t.nn.NLLLoss2d(),
        [(2, 5, 2, 2), ("ids", (2, 2, 2))],
    ),
    "LinearCrossEntropyLoss": (
        lambda t: t.nn.LinearCrossEntropyLoss(3, 5, bias=True, ignore_index=1),
        [(4, 3), ("ids", (4,))],
    ),
    "LinearCrossEntropyLoss of several": (
        lambda t: t.nn.LinearCrossEntropyLoss(3, 5, out_features=(2,), label_smoothing=0.1),
        [(4, 3), ("ids", (4, 2))],
    ),
    "PoissonNLLLoss": (lambda t: t.nn.PoissonNLLLoss(full=True), [(2, 3), ("ids", (2, 3))]),
    "GaussianNLLLoss": (
        lambda t: t.nn.GaussianNLLLoss(full=True),
        [(2, 3), (2, 3), ("chances", (2, 1))],
    ),
    "SoftMarginLoss": (lambda t: t.nn.SoftMarginLoss(), [(3,), WITH_SIGNS]),
    "MultiLabelSoftMarginLoss": (
        lambda t: t.nn.MultiLabelSoftMarginLoss(),
        [(2, 3), ("fixed", (2, 3))],
    ),
    "HingeEmbeddingLoss": (lambda t: t.nn.HingeEmbeddingLoss(9.0), [(3,), WITH_SIGNS]),
    "CosineEmbeddingLoss": (
        lambda t: t.nn.CosineEmbeddingLoss(-1.5),
        [(3, 4), (3, 4), WITH_SIGNS],
    ),
    "MarginRankingLoss": (lambda t: t.nn.MarginRankingLoss(9.0), [(3,), (3,), WITH_SIGNS]),
    "TripletMarginLoss": (lambda t: t.nn.TripletMarginLoss(20.0), TRIPLE),
    "TripletMarginLoss swapped": (
        lambda t: t.nn.TripletMarginLoss(20.0, p=3.0, swap=True),
        TRIPLE,
    ),
    "TripletMarginWithDistanceLoss": (
        lambda t: t.nn.TripletMarginWithDistanceLoss(
            distance_function=t.nn.PairwiseDistance(), margin=20.0
        ),
        TRIPLE,
    ),
    "MultiMarginLoss": (
        lambda t: t.nn.MultiMarginLoss(2, 9.0),
        [(3, 5), ("ids", (3,))],
    ),
    "MultiLabelMarginLoss": (
        lambda t: t.nn.MultiLabelMarginLoss(),
        [("chances", (3, 5)), ("ids", (3, 5))],
    ),
    "AdaptiveLogSoftmaxWithLoss": (
        lambda t: t.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [2, 3], div_value=2.0, head_bias=True),
        [(6, 4), ("ids", (6,))],
    ),
    "PairwiseDistance": (lambda t: t.nn.PairwiseDistance(), [(2, 3), (2, 3)]),
    "CosineSimilarity": (lambda t: t.nn.CosineSimilarity(), [(2, 3), (2, 3)]),
}


def called_once(library, layer, size):
    """A lazy layer after the call that gives it its shape, in the library's default type."""
    layer(library.zeros(1, size))
    return layer


LAYERS = ACTIVATIONS | LOSSES
ONCE = {"Hardsigmoid", "MultiMarginLoss", "MultiLabelMarginLoss"}
