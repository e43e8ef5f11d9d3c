"""Programs about autograd that say the same under PyTorch and minicnn, import lines aside."""

from __future__ import annotations

import pytest
from programs_helpers import leaf, says_the_same, tried

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")]
PROGRAMS = []
program = PROGRAMS.append  # a program takes the library, and returns what is compared


# ---- modes


@program
def inference_mode(lib):
    x, seen = leaf(lib, 1.0, 2.0), []
    with lib.inference_mode():
        i, view = lib.ones(2, dtype=lib.float64), x[:1]
        fixed = i * 1
        seen += [lib.is_inference_mode_enabled(), i.is_inference(), (x * 2).is_inference(), view.is_inference()]
        seen += [x.detach().is_inference(), tried(lambda: i.add_(1)), (x * 2).requires_grad, i[:1].is_inference()]
        with lib.enable_grad():
            seen += [(x * 2).requires_grad, (x * 2).is_inference()]
        with lib.inference_mode(False):
            seen += [lib.is_grad_enabled(), (x * 2).requires_grad, (x * 2).is_inference()]
        tried(lambda: x.detach().mul_(3))
        j = lib.ones(2, dtype=lib.float64, requires_grad=True)
        seen.append((j * 2).requires_grad)
    seen += [lib.is_inference_mode_enabled(), (x * 2).requires_grad, x]
    seen += [tried(lambda: x * i), tried(lambda: x + i), tried(lambda: fixed.add_(1))]
    seen += [tried(lambda: i.requires_grad_()), i.clone().is_inference()]
    seen += [tried(lambda: x * i.clone()), i.is_inference(), i[0:1].is_inference(), i.detach().is_inference()]
    seen += [(i * 2).is_inference(), tried(lambda: i.backward()), tried(lambda: (j + 2).sum().backward()), j.grad]
    with lib.no_grad():
        seen += [tried(lambda: fixed.add_(1)), x * i]
    return seen


@program
def modes_as_decorators(lib):
    state = lib.is_grad_enabled, lib.is_inference_mode_enabled

    def now():
        return [ask() for ask in state]

    found = [
        mode(now)()
        for mode in (
            lib.no_grad,
            lib.no_grad(),
            lib.enable_grad,
            lib.enable_grad(),
            lib.inference_mode,
            lib.inference_mode(),
            lib.inference_mode(mode=False),
        )
    ]
    found += [lib.set_grad_enabled(on)(now)() for on in (False, True)]
    with lib.no_grad(), lib.set_grad_enabled(True):
        found.append(now())
    with lib.no_grad():
        found += [lib.enable_grad(now)(), lib.inference_mode(False)(now)(), now()]
    return [*found, now()]


@program
def a_decorated_generator(lib):
    seen = []

    @lib.no_grad()
    def numbers():
        try:
            seen.append((yield lib.is_grad_enabled()))
            yield 1
        except KeyError:
            seen.append(("caught", lib.is_grad_enabled()))
            yield 2
        finally:
            seen.append(("end", lib.is_grad_enabled()))
        return 3

    steps = numbers()
    seen += [next(steps), lib.is_grad_enabled(), steps.send("sent"), steps.throw(KeyError), lib.is_grad_enabled()]
    seen.append(tried(lambda: next(steps)))
    steps = numbers()
    next(steps)
    steps.close()
    return seen


# ---- backward and grad


@program
def options_of_grad(lib):
    x, z = leaf(lib, 1.0, 2.0), leaf(lib, 5.0)
    grad = lib.autograd.grad

    def y():
        return (x * x).sum()

    return [
        tried(lambda: grad(y(), [x, z])),
        tried(lambda: grad(y(), [x, z], allow_unused=True)[1] is None),
        tried(lambda: grad(y(), [x, z], materialize_grads=True)),
        tried(lambda: grad(y(), [x, z], materialize_grads=True, allow_unused=False)),
        tried(lambda: grad(y(), [x], None, None, False, True, True)),
        tried(lambda: grad([y(), x * 3], [x], [None, lib.ones(2, dtype=lib.float64)])),
        tried(lambda: grad(x * 3, x)),
        tried(lambda: grad(y(), [])),
        tried(lambda: lib.autograd.backward(y(), inputs=[])),
        tried(lambda: lib.autograd.backward([y(), y()], [None, lib.tensor(2.0, dtype=lib.float64)], inputs=[x])),
        x.grad,
        tried(lambda: lib.autograd.backward(x * 1, lib.ones(2), grad_variables=lib.ones(2))),
        z.grad,
    ]


@program
def names_of_the_graph(lib):
    x = leaf(lib, 1.0, 2.0)
    y = x * x
    z = y.exp()
    parts = z.split(1)
    e = parts[1] * 2
    return [
        z.grad_fn.name(),
        z.grad_fn.next_functions[0][0].name(),
        z.grad_fn.next_functions[0][0] is y.grad_fn,
        [type(f).__name__ for f, _ in y.grad_fn.next_functions],
        y.grad_fn.next_functions[0][0].variable is x,
        y.grad_fn.next_functions[0][0].next_functions,
        parts[0].grad_fn.next_functions[0][0] is z.grad_fn,
        e.grad_fn.next_functions[0][0].name() == parts[1].grad_fn.name(),
        [y.retains_grad, y.retain_grad(), y.retains_grad, x.retain_grad(), x.retains_grad],
    ]


@program
def variables(lib):
    Variable = lib.autograd.Variable
    x = leaf(lib, 1.0, 2.0)
    zeros = lib.zeros(2)
    same = Variable(zeros)
    same += 1
    return [
        Variable(x).requires_grad,
        Variable(x * 2).grad_fn is None,
        Variable(x, requires_grad=True).is_leaf,
        Variable(x) is x,
        tried(lambda: Variable([1.0])),
        tried(lambda: Variable(lib.tensor([1]), requires_grad=True)),
        isinstance(x, Variable),
        isinstance(3, Variable),
        zeros,
    ]


# ---- Function


@program
def functions_with_setup_context(lib):
    class Scale(lib.autograd.Function):
        @staticmethod
        def forward(x, y, factor):
            return x * y * factor, x.exp()

        @staticmethod
        def setup_context(ctx, inputs, output):
            x, y, ctx.factor = inputs
            ctx.save_for_backward(x, y, output[1])

        @staticmethod
        def backward(ctx, g, h):
            x, y, e = ctx.saved_tensors
            return g * y * ctx.factor + h * e, g * x * ctx.factor if ctx.needs_input_grad[1] else None, None

    x, y = leaf(lib, 1.0, 2.0), lib.tensor([3.0, 4.0], dtype=lib.float64)
    a, b = Scale.apply(x, y, 5)
    (g,) = lib.autograd.grad((a * b).sum(), x, create_graph=True)
    g.sum().backward()
    return [a, b, g, x.grad, y.grad, a.grad_fn.name()]


@program
def functions_that_write_in_place(lib):
    class Double(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x, give=True):
            ctx.mark_dirty(x)
            x.mul_(2)
            return x if give else x + 1

        @staticmethod
        def backward(ctx, g):
            return g * 2, None

    x = leaf(lib, 1.0, 2.0)
    a = x * 3
    b = Double.apply(a)
    (a * a).sum().backward()
    seen = [b is a, a, x.grad, a.grad_fn.name()]
    base = x * 1
    Double.apply(base[:1])
    x.grad = None
    (base * base).sum().backward()
    seen += [base, x.grad]
    used = x * 1
    e = used.exp() * used.sin()
    Double.apply(used)
    seen += [tried(lambda: e.sum().backward()), tried(lambda: Double.apply(x)), tried(lambda: Double.apply(a, False))]
    constant = lib.ones(2, dtype=lib.float64)
    Double.apply(constant)
    return [*seen, constant, constant.requires_grad]


@program
def functions_differentiable_once(lib):
    class Square(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @lib.autograd.function.once_differentiable
        def backward(ctx, g):
            return 2 * g * ctx.saved_tensors[0]

    x = leaf(lib, 3.0)
    (g,) = lib.autograd.grad(Square.apply(x), x, create_graph=True)
    return [g, tried(lambda: g.backward())]


# ---- the rest


@program
def checkpoints(lib):
    run = lib.utils.checkpoint.checkpoint
    x, w = leaf(lib, 0.5, -0.2), leaf(lib, 2.0, 3.0)
    a = x * 2
    y, e = run(lambda a, k: (a * w * k, a.exp()), a, k=3, use_reentrant=False)
    (g,) = lib.autograd.grad((y * e).sum(), x, create_graph=True)
    g.sum().backward()
    none = run(lambda x: x * 2, lib.ones(1), use_reentrant=False).requires_grad
    functions = [lambda x: x.sin(), lambda x: x * w, lambda x: x.exp()]
    z = lib.utils.checkpoint.checkpoint_sequential(functions, 2, x, use_reentrant=False)
    return [y, g, x.grad, w.grad, none, lib.autograd.grad(z.sum(), [x, w])]


@program
def anomalies(lib):
    detect, seen = lib.autograd.detect_anomaly, []

    class Nan(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, g):
            return g * float("nan")

    def run():
        x = leaf(lib, 1.0)
        Nan.apply(x).sum().backward()
        return str(x.grad.item())

    seen.append(run())
    with detect():
        seen.append(tried(run))
    with detect(check_nan=False):
        seen.append(tried(run))
    seen.append(run())
    with lib.autograd.set_detect_anomaly(True):
        seen.append(tried(run))
        with lib.autograd.set_detect_anomaly(False):
            seen.append(run())
        seen.append(tried(run))
    return [*seen, run()]


@program
def derivatives_of_functions(lib):
    F = lib.autograd.functional
    x, y = lib.tensor([0.3, -0.7], dtype=lib.float64), lib.tensor([1.2, 0.4], dtype=lib.float64)
    v, u = lib.tensor([0.9, -1.1], dtype=lib.float64), lib.tensor([0.2, 0.6], dtype=lib.float64)

    def two(a, b):
        return (a * b).sin(), a.exp() * b.sum()

    def number(a, b):
        return (a.sin() * b * b).sum() + (a * b).sum() ** 3

    def linear(a):
        return (3 * a).sum()

    return [
        F.jacobian(two, (x, y)),
        F.hessian(number, (x, y)),
        F.vjp(two, (x, y), (v, u)),
        F.jvp(two, (x, y), (v, u)),
        F.hvp(number, (x, y), (v, u)),
        F.vhp(number, (x, y), (v, u)),
        F.jacobian(lambda a: (a * 2,), (x,)),
        [tried(lambda f=f: f(linear, x, v, strict=True)) for f in (F.hvp, F.vhp, F.vjp, F.jvp)],
        [tried(lambda f=f: f(linear, x, v)) for f in (F.hvp, F.vhp)],
        tried(lambda: F.hvp(linear, x)),
        tried(lambda: F.vhp(linear, x, lib.ones(3))),
        tried(lambda: F.hessian(lambda a: (a.sum(), a.sum()), x)),
        tried(lambda: F.jacobian(lambda a: a * 2, x, strict=True, create_graph=True)),
        tried(lambda: F.jvp(lambda a: a * 2, x, v, strict=True, create_graph=True)),
    ]


test_the_program_says_the_same = says_the_same(*PROGRAMS)
