"""One line a layer of convolution, pooling, padding, resizing and normalisation over the batch."""

SHAPE = {1: (4,), 2: (3, 2), 3: (2, 1, 2)}
WIDE = {1: (5,), 2: (3, 4), 3: (2, 3, 2)}


def made(name, *args, **kwargs):
    return lambda t: getattr(t.nn, name)(*args, **kwargs)


def rested(name, *args):
    return lambda t: getattr(t.nn, name)(*args).eval()


def lazily(name, *args, shape):
    """A lazy layer that has seen its first input."""

    def make(t):
        layer = getattr(t.nn, name)(*args)
        layer(t.ones(shape))
        return layer

    return make


LAYERS = {}
for n in (1, 2, 3):
    one, wide = SHAPE[n], WIDE[n]
    LAYERS |= {
        f"Conv{n}d": (made(f"Conv{n}d", 2, 2, 2, padding=1, groups=2), [(1, 2, *one)]),
        f"ConvTranspose{n}d": (
            made(f"ConvTranspose{n}d", 1, 2, 2, 2, output_padding=1), [(1, 1, *one)]
        ),
        f"MaxPool{n}d": (made(f"MaxPool{n}d", 2, padding=1), [(1, 2, *wide)]),
        f"AvgPool{n}d": (made(f"AvgPool{n}d", 2, 1, 1), [(1, 1, *wide)]),
        f"LPPool{n}d": (made(f"LPPool{n}d", 3, 2), [("chances", (1, 1, *wide))]),
        f"MaxUnpool{n}d": (
            made(f"MaxUnpool{n}d", 5), [(1, 2, *[1] * n), ("ids", (1, 2, *[1] * n))]
        ),
        f"AdaptiveAvgPool{n}d": (made(f"AdaptiveAvgPool{n}d", 2), [(1, *wide)]),
        f"AdaptiveMaxPool{n}d": (made(f"AdaptiveMaxPool{n}d", 2), [(1, *wide)]),
        f"BatchNorm{n}d": (made(f"BatchNorm{n}d", 2), [(2, 2, *one)]),
        f"BatchNorm{n}d at rest": (rested(f"BatchNorm{n}d", 2), [(1, 2, *one)]),
        f"InstanceNorm{n}d": (made(f"InstanceNorm{n}d", 2, affine=True), [(1, 2, *one)]),
        f"ConstantPad{n}d": (made(f"ConstantPad{n}d", 1, 0.5), [(1, 1, *one)]),
        f"ZeroPad{n}d": (made(f"ZeroPad{n}d", 1), [(1, 1, *one)]),
        f"ReflectionPad{n}d": (made(f"ReflectionPad{n}d", [1, 0] * n), [(1, 2, *[2] * n)]),
        f"ReplicationPad{n}d": (made(f"ReplicationPad{n}d", [1, 2] * n), [(1, 1, *one)]),
        f"CircularPad{n}d": (made(f"CircularPad{n}d", 1), [(1, 1, *one)]),
        f"Dropout{n}d": (made(f"Dropout{n}d", 0.4), [(2, 3, *[1] * n)]),
        f"LazyConv{n}d": (lazily(f"LazyConv{n}d", 1, 1, shape=(1, 2, *one)), [(1, 2, *one)]),
        f"LazyConvTranspose{n}d": (
            lazily(f"LazyConvTranspose{n}d", 1, 1, shape=(1, 2, *one)), [(1, 2, *one)]
        ),
        f"LazyBatchNorm{n}d": (lazily(f"LazyBatchNorm{n}d", shape=(3, 1, *one)), [(3, 1, *one)]),
        f"LazyInstanceNorm{n}d": (
            lazily(f"LazyInstanceNorm{n}d", shape=(1, 2, *one)), [(1, 2, *one)]
        ),
    }  # fmt: skip

LAYERS |= {
    "BatchNorm1d of rows": (made("BatchNorm1d", 2, momentum=None), [(3, 2)]),
    "SyncBatchNorm at rest": (rested("SyncBatchNorm", 2), [(3, 2, 2)]),
    "InstanceNorm1d tracking": (
        made("InstanceNorm1d", 2, track_running_stats=True), [(1, 2, 3)]
    ),
    "LocalResponseNorm": (made("LocalResponseNorm", 2, alpha=0.3), [(1, 3, 2)]),
    "AlphaDropout": (made("AlphaDropout", 0.4), [(7,)]),
    "FeatureAlphaDropout": (made("FeatureAlphaDropout", 0.4), [(2, 3, 2)]),
    "Unfold": (made("Unfold", 2, padding=1, stride=2), [(1, 1, 3, 3)]),
    "Fold": (made("Fold", (2, 3), (2, 2)), [(1, 4, 2)]),
    "Upsample": (made("Upsample", scale_factor=1.5, mode="linear"), [(1, 2, 3)]),
    "UpsamplingNearest2d": (made("UpsamplingNearest2d", scale_factor=2), [(1, 1, 2, 2)]),
    "UpsamplingBilinear2d": (made("UpsamplingBilinear2d", size=(3, 4)), [(1, 1, 2, 2)]),
    "PixelShuffle": (made("PixelShuffle", 2), [(1, 4, 1, 2)]),
    "PixelUnshuffle": (made("PixelUnshuffle", 2), [(1, 1, 2, 4)]),
    "ChannelShuffle": (made("ChannelShuffle", 2), [(1, 4, 1, 2)]),
    "Conv2d reflecting": (
        made("Conv2d", 1, 1, (2, 3), padding=(0, 1), padding_mode="reflect"), [(1, 1, 3, 3)]
    ),
    "Conv1d same": (made("Conv1d", 1, 2, 4, padding="same", padding_mode="circular"), [(1, 5)]),
}  # fmt: skip
