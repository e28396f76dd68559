"""Functions with derivatives of our own: saved tensors, skipped gradients, second derivatives."""

import math

import torch
from torch import nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable


class LegendrePolynomial3(Function):
    """Half of 5x^3 - 3x."""

    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return 0.5 * (5 * input**3 - 3 * input)

    @staticmethod
    def backward(ctx, grad_output):
        (input,) = ctx.saved_tensors
        return grad_output * 1.5 * (5 * input**2 - 1)


class MyLinear(Function):
    @staticmethod
    def forward(ctx, input, weight, bias=None):
        ctx.save_for_backward(input, weight, bias)
        output = input.mm(weight.t())
        if bias is not None:
            output += bias.unsqueeze(0).expand_as(output)
        return output

    @staticmethod
    def backward(ctx, grad_output):
        input, weight, bias = ctx.saved_tensors
        grad_input = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            grad_input = grad_output.mm(weight)
        if ctx.needs_input_grad[1]:
            grad_weight = grad_output.t().mm(input)
        if bias is not None and ctx.needs_input_grad[2]:
            grad_bias = grad_output.sum(0)
        return grad_input, grad_weight, grad_bias


class Swish(Function):
    """Keeps its input alone, and counts how often it is called back."""

    calls = 0

    @staticmethod
    def forward(ctx, x, beta):
        ctx.beta = beta
        ctx.save_for_backward(x)
        return x * torch.sigmoid(beta * x)

    @staticmethod
    @once_differentiable
    def backward(ctx, g):
        Swish.calls += 1
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(ctx.beta * x)
        return g * (s + ctx.beta * x * s * (1 - s)), None


class SplitSign(Function):
    """Two outputs, one of them not differentiable."""

    @staticmethod
    def forward(ctx, x):
        sign, size = x.sign(), x.abs()
        ctx.mark_non_differentiable(sign)
        ctx.save_for_backward(sign)
        return size, sign

    @staticmethod
    def backward(ctx, g_size, g_sign):
        (sign,) = ctx.saved_tensors
        return g_size * sign


class StraightThrough(Function):
    @staticmethod
    def forward(ctx, x):
        return (x > 0).float() * 2 - 1

    @staticmethod
    def backward(ctx, g):
        return g.clamp(-1, 1)


class ReverseGrad(Function):
    """Nothing forward, the opposite backward (Ganin and Lempitsky 2015)."""

    @staticmethod
    def forward(ctx, x, strength):
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx, g):
        return g.neg() * ctx.strength, None


def slopes(f, *inputs, eps=None):
    """The gradients of the weighted sum of f; numeric ones for a given eps."""
    y = f(*inputs)
    weights = torch.linspace(0.5, 1.5, y.numel(), dtype=y.dtype).view_as(y)
    if eps is None:
        return torch.autograd.grad(y, inputs, weights, create_graph=True)
    found = []
    for x in inputs:
        slope = torch.zeros_like(x)
        for i in range(x.numel()):
            sides = []
            for step in (eps, -eps):
                with torch.no_grad():
                    x.view(-1)[i] += step
                    sides.append((f_value(f, inputs) * weights).sum())
                    x.view(-1)[i] -= step
            slope.view(-1)[i] = (sides[0] - sides[1]) / (2 * eps)
        found.append(slope)
    return found


def f_value(f, inputs):
    """The value at the moment; f may differentiate inside."""
    with torch.enable_grad():
        return f(*(x.detach().requires_grad_() for x in inputs)).detach()


def slopes_agree(f, *inputs):
    pairs = zip(slopes(f, *inputs), slopes(f, *inputs, eps=1e-6))
    return all(torch.allclose(ours, theirs, atol=1e-6) for ours, theirs in pairs)


# a sine by a cubic in the polynomial's own derivative ---------------------------------------------
torch.manual_seed(0)
x = torch.linspace(-math.pi, math.pi, 200)
y = torch.sin(x)
a, b, c, d = (torch.full((), v, requires_grad=True) for v in (0.0, -1.0, 0.0, 0.3))
for t in range(200):
    y_pred = a + b * LegendrePolynomial3.apply(c + d * x)
    loss = (y_pred - y).pow(2).sum()
    if t % 20 == 0:
        print(f"step {t} loss {loss.item():.8f}")
    loss.backward()
    with torch.no_grad():
        for p in (a, b, c, d):
            p -= 5e-5 * p.grad
            p.grad = None
print(f"y = {a.item():.6f} + {b.item():.6f} * P3({c.item():.6f} + {d.item():.6f} x)")

# first, second and third derivatives -------------------------------------------------------------
z = torch.tensor([0.5, -1.5], dtype=torch.double, requires_grad=True)
first = torch.autograd.grad(LegendrePolynomial3.apply(z).sum(), z, create_graph=True)[0]
second = torch.autograd.grad(first.sum(), z, create_graph=True)[0]
third = torch.autograd.grad(second.sum(), z)[0]
print(first, second, third)
inputs = (torch.randn(4, 3, dtype=torch.double, requires_grad=True),
          torch.randn(2, 3, dtype=torch.double, requires_grad=True),
          torch.randn(2, dtype=torch.double, requires_grad=True))  # fmt: skip
print("linear", slopes_agree(MyLinear.apply, *inputs))
square = lambda *a: MyLinear.apply(*a).pow(2)
print("twice", slopes_agree(lambda *a: slopes(square, *a)[1], *inputs))
w = torch.randn(3, dtype=torch.double, requires_grad=True)
print("swish", slopes_agree(lambda v: Swish.apply(v, 1.5), w))
try:
    (g,) = torch.autograd.grad(Swish.apply(w, 1.5).sum(), w, create_graph=True)
    torch.autograd.grad(g.sum(), w)
except RuntimeError as error:
    print("RuntimeError:", str(error).split("@")[-1][:40])
frozen = torch.randn(4, 3)
MyLinear.apply(frozen, inputs[1].float(), None).sum().backward()
print(frozen.grad, inputs[1].grad.dtype)
size, sign = SplitSign.apply(torch.tensor([-2.0, 3.0], requires_grad=True))
print(size, sign, sign.requires_grad)


# a network of them -------------------------------------------------------------------------------
class Layer(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_out, n_in) / n_in**0.5)
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, x):
        return MyLinear.apply(x, self.weight, self.bias)


features = nn.Sequential(Layer(6, 32), nn.Tanh(), Layer(32, 16))
label, domain = Layer(16, 2), Layer(16, 2)
modules = nn.ModuleList([features, label, domain])
optimizer = torch.optim.SGD(modules.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
data = torch.randn(256, 6)
target = (data[:, 0] * data[:, 1] > 0).long()
where = (data[:, 2] > 0).long()
for step in range(100):
    h = Swish.apply(features(data), 1.0)
    loss = nn.functional.cross_entropy(label(h), target)
    other = nn.functional.cross_entropy(domain(ReverseGrad.apply(h, 0.1)), where)
    optimizer.zero_grad()
    (loss + other).backward()
    optimizer.step()
    if step % 5 == 0:
        print(f"step {step} loss {loss.item():.8f} domain {other.item():.8f}")
print("right", (label(Swish.apply(features(data), 1.0)).argmax(1) == target).float().mean().item())
print("calls", Swish.calls)

bits = torch.linspace(-1, 1, 6, requires_grad=True)
coded = StraightThrough.apply(bits)
coded.mul(torch.arange(6.0)).sum().backward()
print(coded, bits.grad)
