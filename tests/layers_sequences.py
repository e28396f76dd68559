"""The layers that read sequences, one line each: how to make it, and what to feed it."""


def cells_too(t, *args, **options):
    """An LSTM that returns its states, last states and last cells in one row."""

    class Flat(t.nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = t.nn.LSTM(*args, **options)

        def forward(self, x):
            out, (h, c) = self.lstm(x)
            return out, h, c

    return Flat()


SIZES = {"d_model": 4, "nhead": 2, "dim_feedforward": 2, "activation": "gelu"}


SEQUENCES = {
    "RNN": (lambda t: t.nn.RNN(3, 2), [(4, 2, 3), (1, 2, 2)]),
    "RNN both ways, dropping": (
        lambda t: t.nn.RNN(1, 2, 2, bias=False, dropout=0.4, bidirectional=True),
        [(3, 2, 1)],
    ),
    "LSTM": (lambda t: cells_too(t, 1, 2), [(3, 2, 1)]),
    "LSTM projected both ways": (
        lambda t: cells_too(t, 1, 2, bidirectional=True, proj_size=1),
        [(2, 1, 1)],
    ),
    "GRU": (lambda t: t.nn.GRU(1, 2, batch_first=True), [(2, 3, 1), (1, 2, 2)]),
    "GRU of one sequence": (lambda t: t.nn.GRU(1, 2, 2, bias=False), [(3, 1)]),
    "RNNCell": (lambda t: t.nn.RNNCell(1, 2), [(2, 1), (2, 2)]),
    "LSTMCell": (lambda t: t.nn.LSTMCell(1, 2), [(2, 1)]),
    "GRUCell": (lambda t: t.nn.GRUCell(1, 2), [(1,), (2,)]),
    "MultiheadAttention": (
        lambda t: t.nn.MultiheadAttention(2, 2, add_bias_kv=True, dropout=0.2),
        [(3, 1, 2), (2, 1, 2), (2, 1, 2)],
    ),
    "MultiheadAttention of sizes": (
        lambda t: t.nn.MultiheadAttention(2, 1, kdim=3, vdim=1, add_zero_attn=True),
        [(3, 2), (2, 3), (2, 1)],
    ),
    "TransformerEncoderLayer": (
        lambda t: t.nn.TransformerEncoderLayer(**SIZES, dropout=0.2),
        [(2, 1, 4)],
    ),
    "TransformerDecoderLayer": (
        lambda t: t.nn.TransformerDecoderLayer(**SIZES, norm_first=True, bias=False),
        [(2, 1, 4), (1, 1, 4)],
    ),
    "EmbeddingBag": (lambda t: t.nn.EmbeddingBag(5, 3), [("ids", (2, 3))]),
    "EmbeddingBag of maxima": (lambda t: t.nn.EmbeddingBag(5, 2, mode="max"), [("ids", (2, 3))]),
}
