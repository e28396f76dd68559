"""Every public name is explained, and every card's example is run."""

import doctest
import inspect

import pytest

import tensor_core as torch
from tensor_core import Tensor, registry
from tensor_core.nn import functional

FUNCTIONS = {
    f"{where.__name__}.{name}": getattr(where, name)
    for where in (torch, functional, torch.autograd, torch.autograd.functional)
    for name in getattr(where, "__all__", ("jacobian", "hessian", "vjp", "jvp", "vhp", "hvp"))
    if callable(getattr(where, name)) and not isinstance(getattr(where, name), torch.dtype)
}


def examples(obj):
    return doctest.DocTestParser().get_examples(inspect.getdoc(obj) or "")


@pytest.mark.parametrize("name", list(registry))
def test_the_example_of_a_card(name):
    card = registry[name]
    assert examples(card), f"the card of {name} shows no example"
    test = doctest.DocTestParser().get_doctest(card.__doc__, {}, name, None, None)
    said = []
    outcome = doctest.DocTestRunner(verbose=False).run(test, out=said.append)
    assert outcome.failed == 0, "".join(said)


def test_cards_are_found_where_pytest_looks_for_examples():
    module = inspect.getmodule(registry["softmax"].forward)
    names = {t.name for t in doctest.DocTestFinder().find(module) if t.examples}
    assert {f"{module.__name__}.{n}" for n in ("softmax_op", "relu", "elu")} <= names


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_public_function_shows_an_example(name):
    assert examples(FUNCTIONS[name]), f"{name} shows no example"


@pytest.mark.parametrize("name", [n for n in dir(Tensor) if not n.startswith("_")])
def test_every_method_is_explained(name):
    assert inspect.getdoc(getattr(Tensor, name)) or not callable(getattr(Tensor, name))
