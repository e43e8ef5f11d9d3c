"""Programs about hooks that say the same under PyTorch and minicnn, import lines aside."""

from __future__ import annotations

import pytest
from programs_helpers import leaf, says_the_same, tried

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")]
PROGRAMS = []
program = PROGRAMS.append  # a program takes the library, and returns what is compared


@program
def hooks_of_tensors(lib):
    x, seen = leaf(lib, 1.0, 2.0), []
    x.register_hook(lambda g: seen.append(("hook", g)))
    handle = x.register_post_accumulate_grad_hook(lambda t: seen.append(("post", t is x, t.grad.clone())))
    (x * x).sum().backward()
    (x * x).sum().backward()
    handle.remove()
    (x * 1).sum().backward()
    lib.autograd.grad((x * 5).sum(), x)
    seen.append(tried(lambda: (x * 2).register_post_accumulate_grad_hook(print)))
    seen.append(tried(lambda: lib.ones(1).register_post_accumulate_grad_hook(print)))
    seen.append(tried(lambda: lib.ones(1).register_hook(print)))

    def step(t):
        with lib.no_grad():
            t -= 0.1 * t.grad
        t.grad = None

    x.register_post_accumulate_grad_hook(step)
    (x * x).sum().backward()
    return [*seen, x, x.grad]


@program
def hooks_of_nodes(lib):
    x, seen = leaf(lib, 1.0, 2.0), []
    y = x.exp()
    z = y * 3
    y.grad_fn.register_prehook(lambda outer: seen.append(("before", outer)))
    y.grad_fn.register_prehook(lambda outer: (outer[0] * 10,))
    y.grad_fn.register_hook(lambda inner, outer: seen.append(("after", inner, outer)))
    y.grad_fn.register_hook(lambda inner, outer: (inner[0] + 1,))
    gone = y.grad_fn.register_hook(lambda inner, outer: seen.append("never"))
    gone.remove()
    z.sum().backward()
    leaf_node = (x * 1).grad_fn.next_functions[0][0]
    leaf_node.register_hook(lambda inner, outer: seen.append(("leaf", inner)))
    (x * 1).sum().backward()
    return [*seen, x.grad]


def layer(lib):
    made = lib.nn.Linear(2, 3).double()
    with lib.no_grad():
        made.weight.copy_(lib.tensor([[1.0, 2.0], [-1.0, 0.5], [0.3, -0.7]], dtype=lib.float64))
        made.bias.copy_(lib.tensor([0.1, 0.2, 0.3], dtype=lib.float64))
    return made


def cotangent(lib):
    return lib.tensor([[0.3, -1.2, 0.8]], dtype=lib.float64)


@program
def full_backward_hooks(lib):
    found = []
    for needs in (True, False):
        net, seen = layer(lib), []
        net.register_full_backward_hook(lambda m, gi, go, seen=seen: seen.append(("first", gi, go)))
        net.register_full_backward_hook(
            lambda m, gi, go, needs=needs: (gi[0] * 10,) if needs else None,
        )
        net.register_full_backward_hook(lambda m, gi, go, seen=seen: seen.append(("zeroth", gi)), prepend=True)
        net.register_full_backward_pre_hook(lambda m, go: (go[0] * 2,))
        net.register_full_backward_pre_hook(lambda m, go, seen=seen: seen.append(("pre", go)), prepend=True)
        x = lib.tensor([[0.5, -1.5]], dtype=lib.float64, requires_grad=needs)
        net(x).backward(cotangent(lib))
        found.append([seen, x.grad, net.weight.grad, net.bias.grad])
    return found


@program
def full_backward_hooks_of_several_inputs_and_outputs(lib):
    seen = []

    class Net(lib.nn.Module):
        def forward(self, x, number, y, *, key=None):
            return x * y, number, y.detach(), x + 1

    net = Net()
    net.register_full_backward_hook(lambda m, gi, go: seen.append((gi, go)))
    x, y = leaf(lib, 1.0, 2.0), lib.tensor([3.0, 4.0], dtype=lib.float64)
    product, number, _, other = net(x, 7, y, key=x)
    (product * 2).sum().backward(retain_graph=True)
    (other.sum() + product.sum()).backward()
    return [*seen, number, x.grad]


@program
def mistakes_with_module_hooks(lib):
    def run(hook, full=True, needs=True):
        net = layer(lib)
        (net.register_full_backward_hook if full else net.register_full_backward_pre_hook)(hook)
        x = lib.tensor([[0.5, -1.5]], dtype=lib.float64, requires_grad=needs)
        net(x).backward(cotangent(lib))

    both, old = layer(lib), layer(lib)
    both.register_full_backward_hook(print)
    old.register_backward_hook(print)
    ones = lib.ones(1, 2, dtype=lib.float64)
    return [
        tried(lambda: run(lambda m, gi, go: (gi[0], gi[0]))),
        tried(lambda: run(lambda m, go: (go[0], go[0]), full=False)),
        tried(lambda: run(lambda m, gi, go: (ones,), needs=False)),
        tried(lambda: run(lambda m, gi, go: (None,), needs=False)),
        tried(lambda: both.register_backward_hook(print)),
        tried(lambda: old.register_full_backward_hook(print)),
    ]


@program
def full_backward_hooks_to_second_order(lib):
    net, seen = layer(lib), []
    net.register_full_backward_hook(lambda m, gi, go: seen.append(gi[0]))
    x = lib.tensor([[0.5, -1.5]], dtype=lib.float64, requires_grad=True)
    (g,) = lib.autograd.grad((net(x).tanh() ** 2).sum(), x, create_graph=True)
    g.pow(2).sum().backward()
    return [seen[0], x.grad, net.weight.grad]


@program
def old_backward_hooks(lib):
    seen = []

    class Net(lib.nn.Module):
        def forward(self, x):
            return [x.exp()]

    net = Net()
    net.register_backward_hook(lambda m, gi, go: seen.append((gi, go)))
    net.register_backward_hook(lambda m, gi, go: (gi[0] * 2,))
    x = leaf(lib, 1.0, 2.0)
    (net(x)[0] * 3).sum().backward()
    return [*seen, x.grad]


@program
def forward_hooks(lib):
    seen, net = [], layer(lib)
    x = lib.ones(1, 2, dtype=lib.float64)
    net.register_forward_hook(lambda m, args, out: seen.append(("hook", len(args))))
    net.register_forward_hook(lambda m, args, kwargs, out: seen.append(("kwargs", sorted(kwargs))), with_kwargs=True)
    net.register_forward_hook(lambda m, args, out: seen.append(("always", out is None)), always_call=True)
    net.register_forward_pre_hook(lambda m, args, kwargs: ((), {"input": kwargs["input"] * 2}), with_kwargs=True)
    net.register_forward_pre_hook(lambda m, args: seen.append(("pre", len(args))), prepend=True)
    seen.append(net(input=x))
    seen.append(tried(lambda: net(input=lib.ones(1, 5, dtype=lib.float64))))
    handle = net.register_forward_hook(lambda m, args, out: 1 / 0, prepend=True)
    seen.append(tried(lambda: net(input=x)))
    handle.remove()
    handle.remove()
    return seen


test_the_program_says_the_same = says_the_same(*PROGRAMS)
