"""Every public name is checked somewhere, or stands here with the reason why it need not be."""

import inspect

import pytest
from elementwise_programs import EXCUSES as ELEMENTWISE_EXCUSES
from nn_programs import EXCUSES as NN_EXCUSES
from shape_programs import EXCUSES as SHAPE_EXCUSES
from test_complex_against_torch import COVERED as COMPLEX
from test_every_layer import LAYERS, TRANSFORMER
from test_every_method import COVERED, FUNCTIONS
from test_every_op import TRIED
from test_every_value_op import COMPOSED

import scalar_value
import tensor_core
import transformer.layers
import transformer.models
from tensor_core import Tensor, linalg, nn, registry

# name: why it has no derivative to check. One word, or two.
NO_DERIVATIVE = {
    **dict.fromkeys(["can_cast", "is_conj", "promote_types", "result_type"], "query"),
    "chalf": "no arrays",
    **NN_EXCUSES,
    **ELEMENTWISE_EXCUSES,
    **SHAPE_EXCUSES,
    **dict.fromkeys(["logical_not_"], "logic"),
    **dict.fromkeys(["equal", "allclose", "isclose", "isin"], "comparison"),
    **dict.fromkeys(["argsort", "bincount", "nonzero", "unique"], "integers"),
    **dict.fromkeys(["one_hot"], "integers"),
    **dict.fromkeys(
        [
            *("bernoulli", "multinomial", "normal", "rand", "rand_like", "randint"),
            *("randint_like", "randn", "randn_like", "randperm"),
            *("bernoulli_", "exponential_", "normal_", "random_", "uniform_"),
        ],
        "random",
    ),
    **dict.fromkeys(
        [
            *("arange", "as_tensor", "asarray", "empty", "empty_like", "eye", "from_numpy"),
            *("from_dlpack",),
            *("full", "full_like", "linspace", "ones", "ones_like", "scalar_tensor", "tensor"),
            *("zeros", "zeros_like"),
            *("new_empty", "new_full", "new_ones", "new_tensor", "new_zeros"),
        ],
        "factory",
    ),
    **dict.fromkeys(
        [
            *("Generator", "get_rng_state", "set_rng_state", "initial_seed", "manual_seed", "seed"),
            *("get_default_dtype", "set_default_dtype", "get_num_threads", "set_num_threads"),
            *("get_printoptions",),
            *("set_printoptions", "enable_grad", "inference_mode", "no_grad", "set_grad_enabled"),
            *("is_grad_enabled", "is_inference_mode_enabled"),
        ],
        "state",
    ),
    **dict.fromkeys(
        ["Case", "Einsum", "Op", "Size", "Tensor", "device", "dtype", "finfo", "iinfo", "op"],
        "type",
    ),
    **dict.fromkeys(
        [
            *("data_ptr", "dim", "element_size", "is_complex", "is_contiguous"),
            *("is_floating_point", "is_shared", "ndimension", "nelement", "numel", "size"),
            *("storage_offset", "stride"),
        ],
        "query",
    ),
    **dict.fromkeys(["detach", "detach_", "item", "numpy", "tolist"], "leaves the graph"),
    **dict.fromkeys(
        [
            *("backward", "register_hook", "register_post_accumulate_grad_hook"),
            *("requires_grad_", "retain_grad"),
        ],
        "the engine itself",
    ),
    **dict.fromkeys(["bool", "byte", "char", "int", "long", "short"], "integers"),
    **dict.fromkeys(
        ["greater", "greater_equal", "less", "less_equal", "not_equal"], "comparison"
    ),
    **dict.fromkeys(["pin_memory"], "the tensor itself"),
    **dict.fromkeys(["load", "save"], "files"),
    **dict.fromkeys(tensor_core.storage.__all__, "memory"),
    # devices, amp, compile and other settings: test_devices_against_torch.py
    **dict.fromkeys(
        [
            *("are_deterministic_algorithms_enabled", "clear_autocast_cache"),
            *("get_autocast_cpu_dtype", "get_autocast_dtype", "get_autocast_gpu_dtype"),
            *("get_default_device", "get_deterministic_debug_mode", "get_device_module"),
            *("get_float32_matmul_precision", "get_num_interop_threads"),
            *("is_anomaly_check_nan_enabled", "is_anomaly_enabled"),
            *("is_autocast_cache_enabled", "is_autocast_cpu_enabled"),
            *("is_autocast_enabled", "is_deterministic_algorithms_warn_only_enabled"),
            *("is_warn_always_enabled", "set_default_device", "set_default_tensor_type"),
            *("set_deterministic_debug_mode", "set_float32_matmul_precision"),
            *("set_flush_denormal", "set_num_interop_threads", "set_warn_always"),
            *("use_deterministic_algorithms", "as_torch", "compile", "autocast"),
            *("GradScaler",),
        ],
        "state",
    ),
    **dict.fromkeys(
        [
            *("AcceleratorError", "OutOfMemoryError", "BFloat16Tensor", "BoolTensor"),
            *("ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor", "HalfTensor"),
            *("IntTensor", "LongTensor", "ShortTensor", "layout", "memory_format"),
        ],
        "type",
    ),
    **dict.fromkeys(
        [
            *("is_distributed", "is_storage", "is_tensor", "typename"),
        ],
        "query",
    ),
    **dict.fromkeys(
        [
            *("cuda", "xpu"),
        ],
        "refused",
    ),
    **dict.fromkeys(["vmap"], "calls functions"),  # test_devices_against_torch.py
    # operators and protocols
    **dict.fromkeys(
        ["__lt__", "__le__", "__gt__", "__ge__", "__eq__", "__ne__", "__contains__"], "comparison"
    ),
    **dict.fromkeys(
        [
            *("__and__", "__rand__", "__iand__", "__or__", "__ror__", "__ior__", "__xor__"),
            *("__rxor__", "__ixor__", "__invert__", "__lshift__", "__rshift__"),
        ],
        "integers",
    ),
    **dict.fromkeys(
        [
            *("__array__", "__float__", "__int__", "__complex__", "__index__", "__bool__"),
            *("__dlpack__", "__dlpack_device__", "__reduce_ex__", "__deepcopy__"),
            *("storage", "untyped_storage"),
        ],
        "leaves the graph",
    ),
    **dict.fromkeys(["__len__", "__hash__", "__repr__", "__format__"], "query"),
    **dict.fromkeys(["__new__", "__init__"], "type"),
    **dict.fromkeys(["__array_ufunc__", "__array_function__"], "calls ops"),
    # modules
    **dict.fromkeys(
        [
            *("Module", "ModuleDict", "ModuleList", "ParameterDict", "ParameterList"),
            *("Parameter", "Buffer"),
            *("RNNBase", "RNNCellBase"),
            *("Transformer", "TransformerEncoder", "TransformerDecoder"),
        ],
        "container",
    ),
    **dict.fromkeys(
        [
            *("clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm"),
            *("vector_to_parameters",),
        ],
        "changes gradients or weights",
    ),
    # transformer
    "LanguageModel": "container",
    **dict.fromkeys(["Cache", "KVCache", "LayerCache"], "a memory, for inference"),
    "Latent": "sizes",
    **dict.fromkeys(["add_lora", "merge_lora"], "puts layers into a model"),
    "SinusoidalPositions": "constants",
    # scalar_value
    **dict.fromkeys(["Value"], "type"),
    **dict.fromkeys(["draw", "grad"], "query"),
}  # fmt: skip

CHECKED = {*TRIED, *COVERED, *COMPLEX, *(name.split()[0] for name in FUNCTIONS)}
# Views of a card under the name torch gives them.
CARD_OF = {"view_op": "view", "getitem": "__getitem__", "setitem": "__setitem__", "to": "to"}


def callables(owner, names):
    return {n for n in names if callable(getattr(owner, n)) and not inspect.ismodule(n)}


def methods():
    """Tensor's own public methods, properties that compute, and operators."""
    own = [n for n in vars(Tensor) if n.startswith("__") and callable(getattr(Tensor, n))]
    return callables(Tensor, [n for n in dir(Tensor) if not n.startswith("_")]) | set(own)


def modules():
    classes = {n: getattr(nn, n) for n in nn.__all__}
    return {n for n, c in classes.items() if inspect.isclass(c)}


def of_transformer():
    return set(transformer.layers.__all__) | {
        n for n in transformer.models.__all__
        if inspect.isclass(getattr(transformer.models, n)) and not n.endswith("Config")
    }  # fmt: skip


def names_of(specs):
    return {name.split()[0] for name in specs}


def of_scalar_value():
    """Functions, and the losses."""
    found = callables(scalar_value, scalar_value.__all__) - {
        "Op", "op", "enable_grad", "no_grad", "is_grad_enabled",
    }  # fmt: skip
    losses = {n for n in vars(scalar_value.losses) if not n.startswith("_")}
    kept = {n for n in losses if getattr(scalar_value.losses, n).__doc__ and inspect.isfunction(
        getattr(scalar_value.losses, n))}  # fmt: skip
    return found | kept


WHERE = {
    "functions": (callables(tensor_core, tensor_core.__all__), CHECKED | set(CARD_OF)),
    "linalg": (
        {f"linalg.{n}" for n in callables(linalg, linalg.__all__)},
        CHECKED | {card.torch for card in registry.values()},
    ),
    "methods": (methods(), CHECKED),
    "cards": (set(registry), CHECKED),
    "functional": (callables(nn.functional, nn.functional.__all__), CHECKED),
    "modules": (modules(), names_of(LAYERS)),
    "nn.utils": (callables(nn.utils, nn.utils.__all__), CHECKED),
    "transformer": (of_transformer(), names_of(TRANSFORMER)),
    "scalar_value": (of_scalar_value(), {*scalar_value.registry, *COMPOSED}),
}


@pytest.mark.parametrize("place", WHERE)
def test_every_name_is_checked_or_excused(place):
    public, checked = WHERE[place]
    missing = public - checked - set(NO_DERIVATIVE)
    assert not missing, f"no card or spec in tests/, and no excuse: {sorted(missing)}"


def test_no_excuse_is_stale():
    """An excuse is for a name that exists and that nothing checks."""
    public = set().union(*(names for names, _ in WHERE.values()))
    unknown = set(NO_DERIVATIVE) - public
    assert not unknown, f"excused, but not there: {sorted(unknown)}"
    everywhere = {n for names, checked in WHERE.values() for n in names & checked}
    needless = {n for n in NO_DERIVATIVE if n in everywhere}
    assert not needless, f"excused, but checked: {sorted(needless)}"


def test_no_spec_is_stale():
    for place, specs in (("modules", LAYERS), ("transformer", TRANSFORMER)):
        assert names_of(specs) <= WHERE[place][0]
    assert all(hasattr(Tensor, CARD_OF[n]) for n in CARD_OF)
