"""What a torch built for the CPU alone says about devices, amp and processes, we say too."""

import inspect
import os
import pickle
import warnings

import numpy as np
import pytest
import torch

import tensor_core

BOTH = (torch, tensor_core)

# Each is evaluated in both libraries: equal text of the result, or an error of the same type.
SAME = [
    *("torch.device('cuda', 1)", "torch.device('cuda:1').index", "torch.device('mps')"),
    *("torch.device('cpu') == torch.device('cpu:0')", "torch.device('cpu') == 'cpu'"),
    *("torch.device('meta')", "torch.device('cpu', 3)", "torch.device(type='cuda', index=2)"),
    *("torch.device(torch.device('xpu'))", "str(torch.device('cuda:1'))", "torch.device('foo')"),
    *("torch.device('cuda:x')", "torch.device('cuda:-1')", "torch.device('cuda:01')"),
    *("torch.device('cuda:0', 1)", "torch.device(None)", "torch.device()", "torch.device(0)"),
    *("{torch.device('cuda'): 1}[torch.device('cuda')]", "torch.zeros(1).device"),
    *("torch.zeros(1, device='cuda')", "torch.zeros(1).to('cuda')", "torch.zeros(1).cuda()"),
    *("torch.zeros(1).to('mps')", "torch.zeros(1, device='xpu')", "torch.zeros(1, device='foo')"),
    *("torch.tensor(1, device='cuda')", "torch.arange(2, device='cuda')", "torch.zeros(1).to(0)"),
    *("torch.nn.Linear(1, 1).cuda()", "torch.nn.Linear(1, 1).to('cuda')"),
    *("torch.nn.Linear(1, 1, device='cuda')", "torch.Generator(device='cuda')"),
    *("torch.rand(2, device='cuda')", "torch.as_tensor(torch.ones(1), device='cuda')"),
    *("torch.Generator().device", "torch.get_default_device()", "torch.set_default_device('cpu')"),
    *("torch.zeros(1).is_cuda", "torch.zeros(1).get_device()"),
    *("torch.set_default_tensor_type(torch.float32)"),
    *("torch.set_default_tensor_type(torch.LongTensor)", "torch.zeros(1).type('foo')"),
    *("torch.set_default_tensor_type(torch.cuda.HalfTensor)", "torch.cuda.HalfTensor(2)"),
    *("torch.set_default_tensor_type('torch.cuda.FloatTensor')", "torch.cuda.FloatTensor([1.0])"),
    *("isinstance(torch.zeros(1), torch.cuda.FloatTensor)", "torch.FloatTensor"),
    *("isinstance(torch.zeros(1), torch.FloatTensor)", "torch.FloatTensor([1, 2])"),
    *("isinstance(torch.zeros(1), torch.LongTensor)", "torch.LongTensor([1.5, 2])"),
    *("torch.LongTensor(2, 3).shape", "torch.FloatTensor((2, 3))", "torch.FloatTensor(3.0)"),
    *("torch.FloatTensor(torch.Size([2, 3])).shape", "torch.FloatTensor(range(3))"),
    *("torch.ByteTensor([1, 2])", "torch.BoolTensor([1, 0])", "torch.DoubleTensor([0.5])"),
    *("torch.BFloat16Tensor([0.5])", "torch.HalfTensor([0.5])", "torch.FloatTensor()"),
    *("torch.LongTensor(torch.zeros(1))", "torch.zeros(2).type(torch.LongTensor)"),
    *("torch.zeros(2).type('torch.DoubleTensor')", "torch.zeros(2).type()"),
    *("torch.zeros(1).type(torch.cuda.FloatTensor)", "torch.FloatTensor(True)"),
    *("torch.cuda.is_available()", "torch.cuda.device_count()", "torch.cuda.is_initialized()"),
    *("torch.cuda.synchronize()", "torch.cuda.max_memory_allocated()", "torch.cuda.empty_cache()"),
    *("torch.cuda.memory_allocated()", "torch.cuda.memory_reserved()", "torch.cuda.memory_stats()"),
    *("torch.cuda.manual_seed(1)", "torch.cuda.manual_seed_all(1)", "torch.cuda.seed()"),
    *("torch.cuda.get_rng_state_all()", "torch.cuda.set_rng_state_all([])"),
    *("torch.cuda.is_bf16_supported()", "torch.cuda.get_device_name()"),
    *("torch.cuda.get_device_properties(0)", "torch.cuda.get_device_capability()"),
    *("torch.cuda.current_device()", "torch.cuda.set_device(-1)", "torch.cuda.set_device('cpu')"),
    *("torch.cuda.get_arch_list()", "torch.cuda.Event(enable_timing=True)", "torch.cuda.Stream()"),
    *("torch.cuda.current_stream()", "torch.cuda.init()", "torch.cuda.get_rng_state()"),
    *("torch.mps.synchronize()", "torch.mps.is_available()", "torch.mps.manual_seed(1)"),
    *("torch.mps.empty_cache()", "torch.mps.device_count()", "torch.xpu.is_available()"),
    *("torch.xpu.device_count()", "torch.xpu.synchronize()", "torch.xpu.get_device_properties()"),
    *("torch.xpu.empty_cache()", "torch.accelerator.is_available()", "torch.cpu.is_available()"),
    *("torch.accelerator.current_accelerator()", "torch.accelerator.device_count()"),
    *("torch.accelerator.synchronize()", "torch.accelerator.current_device_index()"),
    *("torch.backends.mps.is_available()", "torch.backends.cuda.is_built()"),
    *("torch.backends.cuda.matmul.allow_tf32", "torch.backends.cuda.flash_sdp_enabled()"),
    *("torch.backends.cudnn.enabled", "torch.backends.cudnn.benchmark"),
    *("torch.backends.cudnn.deterministic", "torch.backends.cudnn.allow_tf32"),
    *("torch.backends.cudnn.version()", "torch.backends.cudnn.is_available()"),
    *("torch.get_float32_matmul_precision()", "torch.are_deterministic_algorithms_enabled()"),
    *("torch.get_deterministic_debug_mode()", "torch.set_deterministic_debug_mode('foo')"),
    *("torch.set_num_interop_threads(0)", "torch.typename(torch.zeros(1))", "torch.typename(1)"),
    *("torch.autocast('foo')", "torch.autocast('cuda', enabled=False).fast_dtype"),
    *("torch.autocast('cpu').fast_dtype", "torch.amp.is_autocast_available('cuda')"),
    *("torch.is_autocast_enabled()", "torch.get_autocast_dtype('cuda')"),
    *("torch.compiler.is_compiling()", "torch.contiguous_format", "torch.strided"),
    *("torch.__version__ >= '2.4'", "torch.__version__ >= (2, 13)", "torch.__version__ < '2.13.1'"),
    *("torch.__version__ > '2.9.1'", "torch.__version__ == 'foo'", "torch.version.cuda"),
    *("torch.distributed.is_available()", "torch.distributed.is_initialized()"),
    *("torch.distributed.get_rank()", "torch.distributed.get_world_size()"),
    *("torch.distributed.barrier()", "torch.distributed.all_reduce(torch.zeros(1))"),
    *("torch.distributed.destroy_process_group()", "torch.distributed.get_node_local_rank(0)"),
    *("torch.distributed.init_process_group('gloo')", "torch.distributed.new_group()"),
    *("torch.distributed.is_nccl_available()", "torch.distributed.get_node_local_rank()"),
    "torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(1, 1))",
    "torch.nn.DataParallel(torch.nn.Linear(1, 1)).device_ids",
    "[a.name for a in map(torch.profiler.schedule(wait=1, warmup=1, active=2, repeat=2, "
    "skip_first=3), range(14))]",
    "[a.name for a in map(torch.profiler.schedule(wait=2, warmup=0, active=1, skip_first_wait=1), "
    "range(9))]",
]  # fmt: skip


def outcome(library, expression):
    """The text of a value, or the type of an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return repr(eval(expression, {"torch": library}))
        except Exception as error:
            return type(error)


@pytest.mark.parametrize("expression", SAME)
def test_the_answer_is_torchs(expression, monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    assert outcome(tensor_core, expression) == outcome(torch, expression)
    if "set_default_device" in expression:  # torch goes other ways while there is one
        torch.set_default_device(None)
        tensor_core.set_default_device(None)


@pytest.mark.parametrize(
    "make",
    [
        lambda t: t.autocast("cuda"),
        lambda t: t.amp.GradScaler(),
        lambda t: t.cuda.amp.GradScaler(),
        lambda t: t.cuda.amp.autocast(),
        lambda t: t.autocast("cpu", dtype=t.float64),
        lambda t: t.set_float32_matmul_precision("foo"),
    ],
    ids=["autocast", "GradScaler", "cuda.amp.GradScaler", "cuda.amp.autocast", "float64", "foo"],
)
def test_what_switches_itself_off_says_so_as_torch_does(make):
    kinds = []
    for library in BOTH:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            make(library)
        kinds.append([w.category for w in caught])
    assert kinds[0] == kinds[1] != []


def test_devices_pickle_and_serve_as_blocks():
    for library in BOTH:
        where = library.device("cuda:1")
        assert pickle.loads(pickle.dumps(where)) == where
        with library.device("cpu"):
            assert library.zeros(1).device.type == "cpu"
            assert library.get_default_device().type == "cpu"


def scaled(library):
    """A few steps with a scaler, one with an infinite gradient."""
    w = library.tensor([1.0, -2.0], requires_grad=True)
    optimizer = library.optim.SGD([w], lr=0.1)
    scaler = library.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2)
    seen = []
    for factor in (1.0, float("inf"), 2.0, 3.0, 1.0):
        optimizer.zero_grad()
        loss = (w * w).sum() * factor
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        seen += [scaler.get_scale(), *w.tolist()]
    return seen, sorted(scaler.state_dict())


def test_a_scaler_scales_and_skips_as_torchs():
    theirs, ours = map(scaled, BOTH)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-6)
    assert ours[1] == theirs[1]


def one_process(library, port):
    """What a program sees of a world of one process."""
    dist = library.distributed
    os.environ.update(RANK="0", WORLD_SIZE="1", MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    dist.init_process_group("gloo")
    try:
        seen = [dist.get_rank(), dist.get_world_size(), str(dist.get_backend())]
        x = library.tensor([1.0, 2.0])
        out = library.zeros(2)
        for op in (dist.ReduceOp.SUM, dist.ReduceOp.AVG, dist.ReduceOp.MAX):
            seen.append(dist.all_reduce(x, op=op))
        handle = dist.all_reduce(x, async_op=True)
        seen += [handle.wait(), handle.is_completed(), x.tolist()]
        seen += [dist.broadcast(x, src=0), dist.barrier(), dist.reduce(x, dst=0)]
        dist.all_gather_into_tensor(out, x)
        seen.append(out.tolist())
        dist.reduce_scatter_tensor(out, 2 * x)
        seen.append(out.tolist())
        parts = [library.zeros(2)]
        dist.all_gather(parts, x)
        seen.append(parts[0].tolist())
        dist.scatter(out, [3 * x])
        seen.append(out.tolist())
        objects = [None]
        dist.all_gather_object(objects, {"a": 1})
        seen.append(objects)
        seen.append(dist.get_world_size(dist.new_group([0])))
        for wrong in (
            lambda: dist.all_gather([out, out], x),
            lambda: dist.broadcast(x, 1),
            lambda: dist.gather(x),
            lambda: dist.all_reduce([x]),
            lambda: dist.init_process_group("gloo"),
            lambda: dist.all_gather_into_tensor(library.zeros(3), x),
        ):
            with pytest.raises(Exception) as caught:
                wrong()
            seen.append(caught.type.__name__)
        seen += trained(library)
    finally:
        dist.destroy_process_group()
    return seen


def trained(library):
    """Two steps of DistributedDataParallel with a ZeroRedundancyOptimizer."""
    from importlib import import_module

    zero = import_module(f"{library.__name__}.distributed.optim").ZeroRedundancyOptimizer
    library.manual_seed(0)
    model = library.nn.parallel.DistributedDataParallel(library.nn.Linear(2, 1))
    optimizer = zero(model.parameters(), library.optim.AdamW, lr=0.1, betas=(0.9, 0.95))
    for _ in range(2):
        with model.no_sync():
            model(library.ones(3, 2)).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    optimizer.consolidate_state_dict()
    state = optimizer.state_dict()
    values = [round(v, 4) for p in model.parameters() for v in p.flatten().tolist()]
    return [list(model.state_dict()), values, sorted(state["state"][0]), optimizer.defaults["lr"]]


def test_a_world_of_one_process_is_torchs(monkeypatch, unused_port):
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.setenv(name, "")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs, ours = one_process(torch, unused_port), one_process(tensor_core, unused_port)
    assert ours == theirs


@pytest.fixture
def unused_port():
    """A port of this machine that nobody listens on."""
    import socket

    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def test_compiled_modules_name_their_parameters_as_torchs():
    model, other = torch.nn.Linear(2, 1), tensor_core.nn.Linear(2, 1)
    theirs, ours = torch.compile(model), tensor_core.compile(other)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert ours._orig_mod is other
    assert ours.in_features == theirs.in_features
    assert ours.eval().training is other.training is False
    ours.extra = 1
    assert other.extra == 1
    with pytest.raises(AttributeError):
        ours.no_such_thing


FUNC = {
    "grad": lambda t, x, m: t.func.grad(lambda a: (a**3).sum())(x),
    "grad of grad": lambda t, x, m: t.func.grad(t.func.grad(t.sin))(x[0]),
    "grad argnums": lambda t, x, m: t.func.grad(lambda a, b: (a * b * b).sum(), (0, 1))(x, 2 * x),
    "grad and value": lambda t, x, m: t.func.grad_and_value(lambda a: a.exp().sum())(x),
    "aux": lambda t, x, m: t.func.grad(lambda a: (a.sum(), a * 2), has_aux=True)(x),
    "grad of dict": lambda t, x, m: t.func.grad(lambda d: (d["a"] ** 2).sum())({"a": x})["a"],
    "vjp": lambda t, x, m: t.func.vjp(t.exp, x)[1](x)[0],
    "jvp": lambda t, x, m: t.func.jvp(t.exp, (x,), (2 * x,)),
    "jacrev": lambda t, x, m: t.func.jacrev(lambda a: m @ a)(x),
    "jacfwd": lambda t, x, m: t.func.jacfwd(lambda a: a * a)(x),
    "hessian": lambda t, x, m: t.func.hessian(lambda a: (a**3).sum() * a[0])(x),
    "vmap": lambda t, x, m: t.vmap(t.dot, in_dims=(0, None))(m, x),
    "vmap columns": lambda t, x, m: t.vmap(lambda c: c.cumsum(0), in_dims=1, out_dims=1)(m),
    "vmap pair": lambda t, x, m: t.vmap(lambda r: (r.sum(), r * 2))(m),
    "vmap grad": lambda t, x, m: t.vmap(t.func.grad(lambda a: (a**2).sum()))(m),
    "vmap dict": lambda t, x, m: t.vmap(lambda d: d["a"] * d["b"], ({"a": 0, "b": None},))(
        {"a": m, "b": x}),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNC)
def test_functions_of_functions_are_torchs(name):
    rng = np.random.default_rng(3)
    arrays = rng.normal(size=3), rng.normal(size=(3, 3))
    theirs, ours = (FUNC[name](t, *map(t.from_numpy, arrays)) for t in BOTH)
    pairs = [flat(ours), flat(theirs)]
    assert len(pairs[0]) == len(pairs[1])
    for x, y in zip(*pairs, strict=True):
        np.testing.assert_allclose(x.detach().numpy(), y.detach().numpy(), rtol=1e-9, atol=1e-12)


def flat(tree):
    if isinstance(tree, tuple | list):
        return [leaf for part in tree for leaf in flat(part)]
    return [tree]


def test_functional_call_uses_other_weights_and_puts_its_own_back():
    for library in BOTH:
        layer = library.nn.Linear(2, 1)
        before = layer.weight
        state = {"weight": library.tensor([[1.0, 2.0]]), "bias": library.tensor([3.0])}
        out = library.func.functional_call(layer, state, (library.tensor([1.0, 1.0]),))
        assert out.tolist() == [6.0]
        assert layer.weight is before


def test_signatures_are_torchs():
    """Positional parameters of what is written in Python there, in torch's order."""
    paths = [
        "compile",
        "autocast",
        "amp.GradScaler",
        "amp.custom_fwd",
        "cuda.amp.autocast",
        "cuda.amp.GradScaler",
        "distributed.init_process_group",
        "distributed.all_reduce",
        "distributed.all_gather",
        "distributed.all_gather_into_tensor",
        "distributed.reduce_scatter_tensor",
        "distributed.broadcast",
        "distributed.barrier",
        "distributed.reduce",
        "distributed.gather",
        "distributed.scatter",
        "distributed.all_gather_object",
        "distributed.broadcast_object_list",
        "distributed.new_group",
        "distributed.get_rank",
        "distributed.get_backend",
        "multiprocessing.spawn",
        "profiler.schedule",
        "profiler.record_function",
        "jit.freeze",
        "func.grad",
        "func.vmap",
        "func.jvp",
        "func.hessian",
        "func.functional_call",
        "use_deterministic_algorithms",
        "set_float32_matmul_precision",
        "backends.cuda.sdp_kernel",
        "cuda.is_bf16_supported",
        "nn.DataParallel",
    ]
    from operator import attrgetter

    for path in paths:
        theirs, ours = (inspect.signature(attrgetter(path)(t)).parameters for t in BOTH)
        positional = [
            [n for n, p in s.items() if p.kind is p.POSITIONAL_OR_KEYWORD and n[0] != "_"]
            for s in (theirs, ours)
        ]
        assert positional[1] == positional[0][: len(positional[1])], path
        several = any(p.kind is p.VAR_KEYWORD for p in ours.values())
        assert several or {n for n in theirs if n[0] != "_"} <= set(ours), path


ANOMALIES = {
    "sqrt at 0": (lambda t, x: (t.sqrt(x) * 0).sum(), [0.0, 1.0]),
    "one number": (lambda t, x: t.sqrt(x[0]) * 0, [0.0, 1.0]),
    "no anomaly": (lambda t, x: t.sqrt(x).sum(), [1.0, 4.0]),
    "several outputs": (lambda t, x: (t.sqrt(x).unbind()[0] * 0).sum(), [0.0, 1.0]),
}


@pytest.mark.parametrize("name", ANOMALIES)
@pytest.mark.parametrize("graph", [False, True])
def test_the_backward_pass_stops_at_what_is_not_a_number(name, graph):
    program, values = ANOMALIES[name]
    told = []
    for library in BOTH:
        x = library.tensor(values, requires_grad=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with library.autograd.detect_anomaly():
                assert library.is_anomaly_enabled()
                try:
                    (g,) = library.autograd.grad(program(library, x), x, create_graph=graph)
                    told.append(g.tolist())
                except RuntimeError as error:
                    told.append(str(error))
            assert not library.is_anomaly_enabled()
            library.autograd.grad(program(library, x), x)  # outside, it does not stop
    assert told[0] == told[1]


def test_variables_and_forked_draws():
    for library in BOTH:
        x = library.ones(2)
        v = library.autograd.Variable(x * 2, requires_grad=True)
        assert v.is_leaf and v.requires_grad and isinstance(x, library.autograd.Variable)
        library.manual_seed(1)
        with library.random.fork_rng():
            inside = library.rand(2)
        assert library.equal(library.rand(2), inside)
