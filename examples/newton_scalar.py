"""Newton's method: a slope finds where a curve crosses zero, and the slope's slope where it turns.

python examples/newton_scalar.py
"""

from scalar_value import Value, grad


def cubic(x):
    """Return the cubic Newton himself tried his method on, in 1669: x³ - 2x - 5."""
    return x**3 - 2 * x - 5


# Where is it zero? Follow the tangent down to zero, again and again; the number of right digits
# doubles at every step.
x = Value(2.0)
for step in range(6):
    y = cubic(x)
    slope = grad(y, x)
    print(f"step {step}: x = {x.data:.15f}  y = {y.data:.1e}")
    x = Value(x.data - y.data / slope)

# Where is it lowest? Where its slope is zero. With create_graph the slope is itself a Value that
# knows how it was made, so it has a slope of its own.
x = Value(2.0)
for step in range(6):
    slope = grad(cubic(x), x, create_graph=True)
    bend = grad(slope, x)
    print(f"step {step}: x = {x.data:.15f}  slope = {slope.data:.1e}")
    x = Value(x.data - slope.data / bend)
