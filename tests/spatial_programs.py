"""Spatial functions without a card of their own: they draw, or give another one's result."""

import numpy as np

RNG = np.random.default_rng(11)
SOUND = RNG.normal(size=(2, 3, 4))
IMAGE = RNG.normal(size=(2, 3, 4, 5))
VOLUME = RNG.normal(size=(2, 3, 2, 2, 2))


def drawn(name, *args, **kwargs):
    """A function of ``nn.functional`` called with the same seed on both libraries."""

    def program(t, x):
        t.manual_seed(3)
        return getattr(t.nn.functional, name)(x, *args, **kwargs)

    return program


FUNCTIONS = {
    "dropout1d": (drawn("dropout1d", 0.4), [SOUND]),
    "dropout1d of a sample": (drawn("dropout1d", 0.4), [SOUND[0]]),
    "dropout2d": (drawn("dropout2d", 0.4), [IMAGE]),
    "dropout3d": (drawn("dropout3d", 0.4), [VOLUME]),
    "dropout3d of a sample": (drawn("dropout3d", 0.4), [VOLUME[0]]),
    "alpha_dropout": (drawn("alpha_dropout", 0.4, True), [SOUND]),
    "feature_alpha_dropout": (drawn("feature_alpha_dropout", 0.4, True), [SOUND]),
    "feature_dropout": (
        lambda t, x: [t.manual_seed(3), t.feature_dropout(x, 0.4, True)][1], [SOUND]
    ),
    "feature_dropout_": (
        lambda t, x: [t.manual_seed(3), t.feature_dropout_(x * 1, 0.4, True)][1], [SOUND]
    ),
    "alpha_dropout_": (
        lambda t, x: [t.manual_seed(3), t.alpha_dropout_(x * 1, 0.4, True)][1], [SOUND]
    ),
    "feature_alpha_dropout_": (
        lambda t, x: [t.manual_seed(3), t.feature_alpha_dropout_(x * 1, 0.4, True)][1], [SOUND]
    ),
    "max_pool1d_with_indices": (lambda t, x: t.max_pool1d_with_indices(x, 2), [SOUND]),
    "adaptive_max_pool1d with indices": (lambda t, x: t.adaptive_max_pool1d(x, 3), [SOUND]),
    "batch_norm in torch's order": (
        lambda t, x, w, b: t.batch_norm(x, w, b, None, None, True, 0.1, 1e-5, False),
        [SOUND, SOUND[0, :, 0], SOUND[1, :, 0]],
    ),
    "instance_norm in torch's order": (
        lambda t, x, w, b: t.instance_norm(x, w, b, None, None, True, 0.1, 1e-5, False),
        [SOUND, SOUND[0, :, 0], SOUND[1, :, 0]],
    ),
    "fold": (lambda t, x: t.nn.functional.fold(x, (2, 3), (1, 3)), [RNG.normal(size=(1, 3, 2))]),
    "upsample": (drawn("upsample", scale_factor=1.5), [SOUND]),
    "upsample_nearest": (drawn("upsample_nearest", (3, 7)), [IMAGE]),
    "upsample_bilinear": (drawn("upsample_bilinear", (3, 7)), [IMAGE]),
}  # fmt: skip
