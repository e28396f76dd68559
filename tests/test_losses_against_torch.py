"""Losses and activations beside torch where a card cannot show it: texts, corners, errors."""

import warnings

import numpy as np
import pytest
from side_by_side import BOTH, agree
from test_modules_against_torch import both

X = np.random.default_rng(3).normal(size=(4, 3))
IDS = np.array([0, 2, 1, 2])
SIGNS = np.array([1.0, -1.0, 1.0, -1.0])


REPRS = {
    "ReLU6": lambda t: t.nn.ReLU6(True),
    "RReLU": lambda t: t.nn.RReLU(0.1, 0.2, inplace=True),
    "Hardtanh": lambda t: t.nn.Hardtanh(-2, 2, True),
    "Hardtanh old": lambda t: t.nn.Hardtanh(min_value=-3.0, max_value=1),
    "Hardsigmoid": lambda t: t.nn.Hardsigmoid(True),
    "Hardswish": lambda t: t.nn.Hardswish(True),
    "Hardshrink": lambda t: t.nn.Hardshrink(),
    "Softshrink": lambda t: t.nn.Softshrink(1),
    "Threshold": lambda t: t.nn.Threshold(0.1, 20, inplace=True),
    "CELU": lambda t: t.nn.CELU(2.0, True),
    "SELU": lambda t: t.nn.SELU(True),
    "Mish": lambda t: t.nn.Mish(True),
    "Softmin": lambda t: t.nn.Softmin(),
    "Softmax2d": lambda t: t.nn.Softmax2d(),
    "Tanhshrink": lambda t: t.nn.Tanhshrink(),
    "PairwiseDistance": lambda t: t.nn.PairwiseDistance(1.0),
    "CosineSimilarity": lambda t: t.nn.CosineSimilarity(),
    "CTCLoss": lambda t: t.nn.CTCLoss(),
    "TripletMarginWithDistanceLoss": lambda t: t.nn.TripletMarginWithDistanceLoss(),
    "AdaptiveLogSoftmaxWithLoss": lambda t: t.nn.AdaptiveLogSoftmaxWithLoss(8, 9, [2, 5]),
    "old arguments": lambda t: t.nn.MSELoss(size_average=False).reduction,
    "old arguments, none": lambda t: t.nn.BCELoss(reduce=False).reduction,
    "weights": lambda t: list(t.nn.MultiMarginLoss(weight=t.ones(3)).state_dict()),
}
ERRORS = {
    "hardtanh": lambda t: t.nn.functional.hardtanh(t.ones(2), 1, -1),
    "Hardtanh": lambda t: t.nn.Hardtanh(1, -1),
    "softshrink": lambda t: t.nn.functional.softshrink(t.ones(2), -1.0),
    "celu": lambda t: t.nn.functional.celu(t.ones(2), 0.0),
    "glu odd": lambda t: t.nn.functional.glu(t.ones(3)),
    "glu 0-d": lambda t: t.nn.functional.glu(t.tensor(1.0)),
    "rrelu": lambda t: t.nn.functional.rrelu(t.ones(2), 0.5, 0.1),
    "prelu": lambda t: t.nn.functional.prelu(t.ones(2, 3), t.ones(2)),
    "prelu 2-d": lambda t: t.nn.functional.prelu(t.ones(2, 3), t.ones(3, 1)),
    "softmax2d": lambda t: t.nn.Softmax2d()(t.ones(2)),
    "reduction": lambda t: t.nn.functional.mse_loss(t.ones(2), t.ones(2), reduction="all"),
    "weights": lambda t: t.nn.functional.l1_loss(t.ones(2), t.ones(2), weight=t.ones(3)),
    "huber": lambda t: t.nn.functional.huber_loss(t.ones(2), t.ones(2), delta=0.0),
    "smooth": lambda t: t.nn.functional.smooth_l1_loss(t.ones(2), t.ones(2), beta=-1.0),
    "variance": lambda t: t.nn.functional.gaussian_nll_loss(t.ones(2), t.ones(2), -t.ones(2)),
    "variance size": lambda t: t.nn.GaussianNLLLoss()(t.ones(4, 2), t.ones(4, 2), t.ones(3)),
    "poisson": lambda t: t.nn.functional.poisson_nll_loss(t.ones(2), t.ones(2), reduction="x"),
    "ranking": lambda t: t.nn.MarginRankingLoss()(t.ones(2), t.ones(2, 1), t.ones(2)),
    "triplet margin": lambda t: t.nn.TripletMarginLoss(margin=0),
    "triplet margin call": lambda t: t.nn.functional.triplet_margin_loss(
        *[t.ones(2, 2)] * 3, margin=-1.0
    ),
    "triplet sizes": lambda t: t.nn.TripletMarginLoss()(t.ones(2), t.ones(2), t.ones(1, 2)),
    "cosine": lambda t: t.nn.CosineEmbeddingLoss()(t.ones(2, 2), t.ones(2, 2), t.tensor(1)),
    "multi p": lambda t: t.nn.MultiMarginLoss(p=3),
    "multi labels": lambda t: t.nn.MultiLabelMarginLoss()(t.ones(2, 3), t.ones(2, 2).long()),
    "pdist": lambda t: t.pdist(t.ones(2)),
    "groups": lambda t: t.nn.functional.group_norm(t.ones(2, 3), 2),
    "cutoffs": lambda t: t.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [3, 2]),
    "cutoffs outside": lambda t: t.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [9]),
    "adaptive target": lambda t: t.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [2])(
        t.ones(1, 4), t.tensor([7])
    ),
    "cross entropy class": lambda t: t.nn.functional.cross_entropy(t.ones(1, 2), t.tensor([5])),
    "cross entropy shape": lambda t: t.nn.functional.cross_entropy(t.ones(1, 2), t.tensor([[1]])),
}
WARNINGS = {
    "sizes": lambda t: t.nn.functional.mse_loss(t.ones(2, 1), t.ones(2)),
    "old": lambda t: t.nn.functional.mse_loss(t.ones(2), t.zeros(2), size_average=False),
    "old cross entropy": lambda t: t.nn.functional.cross_entropy(
        t.ones(1, 2), t.tensor([1]), reduce=False
    ),
    "kl": lambda t: t.nn.functional.kl_div(t.zeros(2, 2), t.ones(2, 2)),
    "kl old": lambda t: t.nn.functional.kl_div(t.zeros(2, 2), t.ones(2, 2), size_average=False),
    "nll 2d": lambda t: t.nn.NLLLoss2d().reduction,
    "clipping": lambda t: t.nn.utils.clip_grad_norm([], 1.0),
    "init": lambda t: t.nn.init.dirac(t.empty(1, 1, 1)),
}


@pytest.mark.parametrize("name", REPRS)
def test_texts(name):
    theirs, ours = both(REPRS[name])
    assert ours == theirs


@pytest.mark.parametrize("name", ERRORS)
def test_errors_are_of_the_same_type(name):
    theirs, ours = both(ERRORS[name])
    assert theirs[0].endswith("Error")
    assert ours[0] == theirs[0]


@pytest.mark.parametrize("name", WARNINGS)
def test_values_and_warnings(name):
    theirs, ours = both(WARNINGS[name])
    assert ours == theirs
    assert theirs[1]


CORNERS = np.array([-3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 6.0, np.nan, np.inf, -np.inf])


@pytest.mark.parametrize(
    "name",
    [
        *("relu", "relu6", "elu", "celu", "selu", "leaky_relu", "hardtanh", "hardswish"),
        *("hardsigmoid", "hardshrink", "softshrink", "tanhshrink", "softsign", "mish", "silu"),
        *("logsigmoid", "softplus", "gelu", "rrelu"),
    ],
)
def test_corners(name):
    """Values and slopes at the corners, where finite differences say nothing."""
    finite = CORNERS[:8]
    tolerance = (1e-6, 1e-7) if name == "hardsigmoid" else (1e-9, 1e-10)
    agree(lambda t, x: getattr(t.nn.functional, name)(x), [finite], 1, tolerance=tolerance)
    with np.errstate(invalid="ignore"):
        theirs, ours = (
            getattr(t.nn.functional, name)(t.from_numpy(CORNERS.copy())).numpy() for t in BOTH
        )
    np.testing.assert_allclose(ours, theirs, 1e-6)


REDUCED = {
    "mse_loss": [X, X + 1],
    "l1_loss": [X, X * 2],
    "huber_loss": [X, X * 3],
    "smooth_l1_loss": [X, X * 3],
    "soft_margin_loss": [X[:, 0], SIGNS],
    "poisson_nll_loss": [X, np.abs(X).round()],
    "kl_div": [X, np.exp(X)],
    "nll_loss": [X, IDS],
    "cross_entropy": [X, IDS],
    "multi_margin_loss": [X, IDS],
    "hinge_embedding_loss": [X[:, 0], SIGNS],
    "multilabel_soft_margin_loss": [X, (X > 0).astype(float)],
}


@pytest.mark.parametrize("name", REDUCED)
@pytest.mark.parametrize(
    "how",
    [{"reduction": r} for r in ("none", "mean", "sum")]
    + [{"size_average": a, "reduce": b} for a, b in ((True, False), (False, True), (None, True))],
    ids=lambda how: "-".join(map(str, how.values())),
)
def test_reductions(name, how):
    if name == "huber_loss" and "reduce" in how:
        how = {"reduction": "sum"}  # it never had the old arguments
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        agree(lambda t, *a: getattr(t.nn.functional, name)(*a, **how), REDUCED[name], 1, wrt=(0,))


TARGETS = np.random.default_rng(1).dirichlet(np.ones(3), (4, 2)).transpose(0, 2, 1)  # (4, 3, 2)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", ["classes", "ignored", "chances"])
def test_cross_entropy(kind, weighted, smoothing, reduction):
    logits = np.random.default_rng(2).normal(size=(4, 3, 2))
    target = TARGETS if kind == "chances" else np.array([[0, 1], [2, 2], [1, 0], [2, 1]])
    ignore = 2 if kind == "ignored" else -100

    def program(t, x, *rest):
        weight = t.tensor([0.5, 1.0, 2.0], dtype=x.dtype) if weighted else None
        return t.nn.functional.cross_entropy(
            x, *rest, weight, ignore_index=ignore, label_smoothing=smoothing, reduction=reduction
        )

    agree(program, [logits, target], 1, wrt=(0, 1) if kind == "chances" else (0,))
