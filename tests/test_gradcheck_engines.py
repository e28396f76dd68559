"""gradcheck through every framework it knows: right gradients pass, planted mistakes are named."""

import functools

import autograd
import autograd.numpy as anp
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from autograd.extend import defjvp, defvjp, primitive

import scalar_value
import tensor_core
from gradcheck import check_card, check_grads, get_engine
from gradcheck.engines import guess_engine, with_parameters

R = np.random.default_rng(11)
X = R.normal(size=(2, 3))
V = R.normal(size=3)

RIGHT = {
    "torch": lambda a, b: (torch.tanh(a * b).sum(0), a.exp()),
    "tensor_core": lambda a, b: (tensor_core.tanh(a * b).sum(0), a.exp()),
    "jax": lambda a, b: (jnp.tanh(a * b).sum(0), jnp.exp(a)),
    "autograd": lambda a, b: (anp.tanh(a * b).sum(0), anp.exp(a)),
    "scalar_value": lambda a, b: (a * b).sum() * (a * a).sum() * b.sum(),
}


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("engine", RIGHT)
def test_right_gradients_pass_to_the_third_order(engine, order):
    report = check_grads(RIGHT[engine], [X[:, :2], V[:2]], engine=engine, order=order)
    assert report.ok, report
    assert report.engine == engine


@pytest.mark.parametrize("engine", RIGHT)
def test_float32(engine):
    report = check_grads(RIGHT[engine], [X.astype("f"), V.astype("f")], engine=engine)
    assert report.ok, report


def torch_sine(factor=1.0, forward=1.0):
    class Sine(torch.autograd.Function):
        @staticmethod
        def forward(x):
            return x.sin()

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)
            ctx.save_for_forward(*inputs)

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return factor * g * x.cos()

        @staticmethod
        def jvp(ctx, t):
            (x,) = ctx.saved_tensors
            return forward * t * x.cos()

    return Sine.apply


def core_sine(factor=1.0):
    class Sine(tensor_core.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.sin()

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return factor * g * x.cos()

    return Sine.apply


def jax_sine(factor=1.0):
    @jax.custom_vjp
    def sine(x):
        return jnp.sin(x)

    sine.defvjp(lambda x: (jnp.sin(x), x), lambda x, g: (factor * g * jnp.cos(x),))
    return sine


def autograd_sine(factor=1.0, forward=1.0):
    @primitive
    def sine(x):
        return np.sin(x)

    defvjp(sine, lambda ans, x: lambda g: factor * g * anp.cos(x))
    defjvp(sine, lambda g, ans, x: forward * g * anp.cos(x))
    return sine


SINES = {
    "torch": torch_sine,
    "tensor_core": core_sine,
    "jax": jax_sine,
    "autograd": autograd_sine,
}


@pytest.mark.parametrize("engine", SINES)
class TestCustomRules:
    """Rules written by hand in the framework's own way."""

    def test_right(self, engine):
        report = check_grads(SINES[engine](), [X], order=2)
        assert report.ok, report
        assert report.engine == engine

    def test_wrong_by_a_thousandth(self, engine):
        report = check_grads(SINES[engine](1.001), [X])
        assert report.verdict == "fail"
        (finding, *_) = report.findings
        assert finding.probe == "value"
        assert finding.diagnosis == "off by a constant factor 1.001"
        assert finding.count == finding.total == X.size


@pytest.mark.parametrize("sine", [torch_sine, autograd_sine])
def test_a_wrong_forward_rule_is_told_from_a_wrong_reverse_rule(sine):
    (finding,) = check_grads(sine(forward=2.0), [X]).findings
    assert finding.probe == "forward mode"
    assert finding.diagnosis.startswith("the forward mode is wrong")
    findings = check_grads(sine(factor=2.0), [X]).findings
    said = [f.diagnosis for f in findings if f.probe == "forward mode"]
    assert said == ["the reverse mode is wrong: forward mode and the slope of f agree"]


def test_a_custom_jvp_that_computes_another_function():
    @jax.custom_jvp
    def sine(x):
        return jnp.sin(x)

    sine.defjvp(lambda x, t: (1.01 * jnp.sin(x[0]), t[0] * jnp.cos(x[0])))
    assert "computes another output 0 than f" in str(check_grads(sine, [X]))


def test_frameworks_may_choose_at_kinks():
    tie = np.array([2.0, 2.0, 0.0, 0.0])
    functions = [
        torch.amax,
        lambda x: torch.max(x, 0)[0],
        torch.relu,
        jnp.max,
        jax.nn.relu,
        anp.max,
        tensor_core.amax,
        tensor_core.relu,
    ]
    for f in functions:
        report = check_grads(f, [tie])
        assert report.ok, report


class TestJax:
    def test_doubles_are_checked_as_doubles(self):
        assert jnp.asarray(1.0).dtype == np.float32  # what JAX does outside
        seen = []

        def f(x):
            seen.append(x.dtype)
            return jnp.sin(x)

        assert check_grads(f, [X]).ok
        assert np.dtype(seen[0]) == np.float64
        assert jnp.asarray(1.0).dtype == np.float32

    def test_jit_callback_and_control_flow(self):
        shape = jax.ShapeDtypeStruct

        @jax.custom_vjp
        def sine(x):
            return jax.pure_callback(np.sin, shape(x.shape, x.dtype), x)

        sine.defvjp(lambda x: (sine(x), x), lambda x, g: (g * jnp.cos(x),))
        scan = jax.jit(lambda x: jax.lax.fori_loop(0, 3, lambda i, y: jnp.sin(y), x))
        branch = lambda x: x * x if x.sum() > 100 else jnp.sin(x)  # noqa: E731
        for f in (sine, jax.jit(sine), jax.jit(jnp.tanh), scan, branch):
            report = check_grads(f, [X], order=2)
            assert report.ok, report

    def test_integers_in_and_out(self):
        report = check_grads(lambda x, i: (x[i], jnp.argmax(x)), [V, np.array([0, 2, 2])], order=2)
        assert report.ok, report


class TestFindingsInPlainWords:
    """What is not the framework's, or not to be judged, is said and never a traceback."""

    CASES = {  # noqa: RUF012
        "a dict": ("jax", lambda x: {"y": x}, "f returns dict; it must return jax arrays"),
        "NumPy on a tracer": ("jax", np.sin, "f raises TracerArrayConversionError"),
        "bfloat16": ("jax", lambda x: x.astype(jnp.bfloat16), "bfloat16 is not judged"),
        "complex": ("jax", jnp.fft.fft, "complex128 is not judged"),
        "torch complex": ("torch", torch.fft.fft, "complex128 is not judged"),
        "torch half": ("torch", lambda x: x.half(), "float16 is not judged"),
        "core half": ("tensor_core", lambda x: x.half(), "float16 is not judged"),
        "an ndarray": ("torch", lambda x: X, "f returns ndarray; it must return torch tensors"),
        "integers": ("torch", lambda x: x.long(), "only floating-point outputs"),
        "in place": ("torch", lambda x: x.mul_(2), "f raises RuntimeError: a leaf Variable"),
        "a missing rule": ("autograd", primitive(np.sin), "f raises NotImplementedError: VJP of"),
        "text": ("scalar_value", lambda x: "no", "f returns str; it must return Values"),
    }

    @pytest.mark.parametrize("case", CASES)
    def test_it(self, case):
        engine, f, words = self.CASES[case]
        report = check_grads(f, [X], engine=engine)
        assert report.verdict == "fail"
        assert words in " ".join(str(report).split())

    def test_half_precision_inputs(self):
        report = check_grads(torch.sin, [X.astype(np.float16)])
        assert "half precision is not judged" in str(report)


def changes(what):
    """A torch function whose backward pass writes where it must not."""

    class Sine(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.sin()

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            grad = g * x.cos()
            {"input 0": x, "cotangent 0": g}[what].data.mul_(2)
            return grad

    return Sine.apply


@pytest.mark.parametrize("what", ["input 0", "cotangent 0"])
def test_a_backward_pass_that_writes(what):
    assert f"the backward pass changes {what}" in str(check_grads(changes(what), [X]))


def of_two_minds(lib, recorded):
    """x squared, its gradient ``recorded`` times as large where the backward pass is recorded."""

    class Square(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return (recorded if lib.is_grad_enabled() else 2.0) * g * x

    return Square.apply


@pytest.mark.parametrize("lib", [torch, tensor_core])
@pytest.mark.parametrize(("recorded", "verdict"), [(2.0, "pass"), (3.0, "fail")])
def test_second_derivatives_are_those_of_the_plain_first_ones(lib, recorded, verdict):
    report = check_grads(of_two_minds(lib, recorded), [X], engine=lib.__name__, order=2)
    assert report.verdict == verdict


@pytest.mark.parametrize("lib", [torch, tensor_core])
class TestTensors:
    """Memory, modules and modes of the two engines of torch's kind."""

    def test_asarray_keeps_layouts(self, lib):
        engine = get_engine(lib.__name__)
        wide = R.normal(size=(4, 6))
        arrays = [wide.T, wide[::2, 1::2], wide[:, ::-1], np.broadcast_to(wide[:1], (5, 6))]
        for array in [*arrays, np.broadcast_to(1.5, ()), wide[:0, ::2]]:
            tensor = engine.asarray(array)
            assert np.array_equal(engine.to_numpy(tensor), array)
            if array.size:
                assert tensor.stride() == tuple(abs(s) // 8 for s in array.strides)
        assert engine.asarray(wide[:, ::-1]).storage_offset() == 1
        fixed = wide.copy()
        fixed.flags.writeable = False
        engine.asarray(fixed).add_(1)
        assert not np.array_equal(engine.to_numpy(engine.asarray(fixed)), fixed + 1)

    def test_a_rule_that_reads_memory_in_order(self, lib):
        class Raw(lib.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x.sin()

            @staticmethod
            def backward(ctx, g):
                (x,) = ctx.saved_tensors
                flat = x.as_strided((x.numel(),), (1,)).cos()  # right when contiguous
                return g * flat.reshape(x.shape)

        report = check_grads(Raw.apply, [X], engine=lib.__name__)
        assert report.verdict == "fail"
        assert {finding.probe for finding in report.findings} == {"layout"}

    def test_a_float32_module_is_checked_in_float64_and_left_alone(self, lib):
        first = lib.nn.Linear(3, 4, bias=False)
        module = lib.nn.Sequential(first, lib.nn.BatchNorm1d(4, affine=False), lib.nn.Tanh())
        before = {name: t.clone() for name, t in module.state_dict().items()}
        x = R.normal(size=(5, 3))
        report = check_grads(module, [x])
        assert report.ok, report
        f, primals = with_parameters(module, [x])
        assert f.names == ["input 0", "0.weight"]
        report = check_grads(f, primals)
        assert report.ok, report
        assert all(bool((t == before[name]).all()) for name, t in module.state_dict().items())
        assert all(p.grad is None for p in module.parameters())

    def test_a_wrong_parameter_gradient_is_numbered(self, lib):
        class Scale(lib.nn.Module):
            def __init__(self):
                super().__init__()
                self.weight = lib.nn.Parameter(lib.ones(3))

            def forward(self, x):
                return x * (2 * self.weight - self.weight.detach())

        assert check_grads(Scale(), [X]).ok
        (finding,) = check_grads(*with_parameters(Scale(), [X])).findings
        assert finding.input == 1
        assert finding.diagnosis.startswith("too large by a constant factor 2")

    def test_sparse_and_unused_inputs(self, lib):
        def f(table, unused, ids):
            return lib.nn.functional.embedding(ids, table).sin()

        report = check_grads(f, [X, V, np.array([0, 1, 1])], engine=lib.__name__)
        assert report.ok, report


def test_a_fault_of_torch_itself():
    """torch 2.13 reads the memory of a batch norm's strided weight as if it had no gaps."""

    def norm(x, weight):
        return torch.nn.functional.batch_norm(x, None, None, weight, training=True)

    def gapped(x, weight):
        return norm(x, torch.stack([weight, 0 * weight], 1).reshape(-1)[::2])

    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=(5, 3)), rng.normal(size=3)
    findings = check_grads(gapped, [x, weight]).findings
    assert ("value", 0) in {(finding.probe, finding.input) for finding in findings}
    at = torch.from_numpy(x).requires_grad_()
    w, g = torch.from_numpy(weight), torch.from_numpy(x).exp()
    one, other = (torch.autograd.grad(f(at, w), at, g)[0] for f in (norm, gapped))
    assert torch.allclose(norm(at, w), gapped(at, w), rtol=1e-12)
    assert not torch.allclose(one, other, rtol=1e-2)


def test_sparse_gradients():
    def f(table, ids):
        return torch.nn.functional.embedding(ids, table, sparse=True)

    assert check_grads(f, [X, np.array([0, 1, 1])]).ok


class Bound:
    def run(self, x):
        return jnp.sin(x)


def nested(x):
    return inner(x) * 2


def inner(x):
    return torch.sin(x)


def imports_inside(x):
    import tensor_core as lib

    return lib.sin(x)


class Doubled(torch.nn.Module):
    def forward(self, x):
        return 2 * x


GUESSES = {
    "torch": [
        torch.sin,
        torch.Tensor.sin,
        torch.nn.functional.relu,
        torch.nn.Linear(3, 2),
        Doubled(),
        Doubled().forward,
        torch_sine(),
        functools.partial(torch.add, torch.ones(3)),
        nested,
        lambda x: torch.sin(x),
        lambda x: nested(x),
    ],
    "tensor_core": [
        tensor_core.sin,
        tensor_core.nn.functional.relu,
        tensor_core.nn.Linear(3, 2),
        core_sine(),
        imports_inside,
        lambda x: tensor_core.sin(x) * np.pi,
    ],
    "jax": [
        jnp.sin,
        jax.nn.relu,
        jax.jit(lambda x: x * 2),
        jax.vmap(lambda x: x * 2),
        jax_sine(),
        Bound().run,
        functools.partial(lambda lib, x: lib.sin(x), jnp),
    ],
    "autograd": [
        anp.sin,
        autograd_sine(),
        autograd.elementwise_grad(lambda x: x * x),
        lambda x: anp.sin(x) + np.pi,
    ],
    "scalar_value": [lambda x: scalar_value.Value(2.0) * x.sum()],
}


@pytest.mark.parametrize("engine", GUESSES)
def test_auto_finds_the_engine(engine):
    found = [guess_engine(f, [X]).name for f in GUESSES[engine]]
    assert found == [engine] * len(found)


def test_auto_tries_where_the_code_leaves_a_choice():
    assert guess_engine(lambda x: jnp.sin(x) * float(torch.tensor(2.0)), [X]).name == "jax"
    assert guess_engine(lambda x: torch.sin(x) * float(jnp.ones(())), [X]).name == "torch"
    with pytest.raises(ValueError, match=r"tried: .*torch: f returns dict.*jax: f returns dict"):
        guess_engine(lambda x: {}, [X])


def test_auto_never_takes_plain_numpy_for_a_frameworks():
    for f in (np.sin, lambda x: np.sin(x), lambda x: np.asarray(x) * 2):
        with pytest.raises(ValueError, match="it is plain NumPy"):
            check_grads(f, [X])


def test_a_card_that_fills_with_minus_infinity_agrees_with_torch():
    for name in ("masked_fill", "where", "log"):
        report = check_card(tensor_core.registry[name], torch=True)
        assert report.ok, report
