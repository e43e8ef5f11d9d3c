"""Analytic gradients against finite differences, in random directions.

For f with inputs x, a direction v in the inputs and a cotangent u of the outputs, both random, two numbers must agree:

    numeric  = (⟨u, f(x + h·v)⟩ − ⟨u, f(x − h·v)⟩) / 2h
    analytic = ⟨∇ₓ⟨u, f(x)⟩, v⟩

A random u matters: with u all ones, a softmax whose gradient is zero passes, since its outputs always sum to one.

The tolerance follows from the step. A difference is off by about h²·f‴/6 from the series and by ε·|f|/h from rounding;
h near ε^(1/3) makes both small. So

    |numeric − analytic| ≤ atol + rtol · (‖v ⊙ ∇‖ + |numeric|)
    rtol = √(h² + ε/h)         half of the digits that a difference has: the other half is left to f‴
    atol = 10 · ε · Σ|u·f| / h   what rounding f alone may come to

with ε = 2⁻⁵². Where that fails, or the slopes on both sides of x differ, shorter steps decide
(`minicnn.testing.differences`): the point has a kink or a jump; or f is strongly curved, and the better of the steps is
taken, its tolerance wider by twice the change of the slope from it to the next; or the gradient is wrong.

Where atol comes near the slope itself, since f is large beside its changes, longer steps decide, up to 0.025 of the
inputs; where those do not tell either, that is said. What is small beside the rest of the outputs, or of the gradient,
is looked at a second time, enlarged (`minicnn.testing.small`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any

from minicnn.autograd import is_grad_enabled, is_inference_mode_enabled
from minicnn.errors import ArgumentTypeError, ParameterError, message, shown
from minicnn.tensor import Tensor
from minicnn.testing.failures import GradcheckError, NotDifferentiableError, expression
from minicnn.testing.judge import judge
from minicnn.testing.slopes import STEP, Settings
from minicnn.testing.subject import Subject, buffers_kept, gradient_of

__all__ = ["GradcheckError", "NotDifferentiableError", "gradcheck", "gradgradcheck"]

# PyTorch's other keywords: what they may be here. Gradients' dtypes are always checked, directions always random.
FIXED: dict[str, tuple[Any, ...]] = {
    "check_grad_dtypes": (False, True),
    "fast_mode": (False, True),
    "masked": (None, False),
    "check_backward_ad": (True,),
    "check_forward_ad": (False,),
    "check_batched_grad": (False,),
    "check_batched_forward_grad": (False,),
    "check_rev_over_rev": (True,),
    "check_fwd_over_rev": (False,),
    "gen_non_contig_grad_outputs": (False,),
}


def gradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any] = (),
    *,
    eps: float = STEP,
    atol: float | None = None,
    rtol: float | None = None,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    seed: int = 0,
    directions: int = 2,
    name: str | None = None,
    **options: Any,
) -> bool:
    """Check the gradient of ``func`` at ``inputs`` against finite differences, in random directions.

    Also checked: that func and its backward give the same when run twice and leave the inputs as they were, that
    gradients have their inputs' shapes and dtypes, and that all is finite. Inputs are given back unchanged, and a
    module's buffers too.

    What it does not see: an error of 1% in one of a million elements, since all are summed; one below 2e-5 of the
    gradient, or of some percent in outputs or elements of the gradient that are a thousand times smaller than the
    rest, or of any size where they are 1e7 times smaller; one of 10% where the values are 1e11 times their changes, and
    any where they are 1e14 times: such a gradient counts as zero. Nor what goes wrong only in float32, at other
    values, in other shapes or in other memory orders than those of ``inputs``.

    Args:
        func: takes the inputs, returns a tensor, or tensors in tuples, lists and dicts; or a module, whose parameters
            are then checked as well. Outputs of integers are passed over.
        inputs: tensors (float64, requires_grad for those to check) and anything else that func takes.
        eps: the step h, absolute (PyTorch: 1e-6).
        atol, rtol: |numeric − analytic| ≤ atol + rtol · scale must hold; by default they follow from the step:
            rtol = √(h² + ε/h), 8.5e-6 for the default step, and atol = 10 · ε · Σ|u·f| / h, where ε = 2⁻⁵², u is the
            cotangent, and scale = ‖direction ⊙ gradient‖ + |numeric| (PyTorch: 1e-5 and 1e-3).
        raise_exception: raise on failure, rather than return False.
        nondet_tol: how far two runs may be apart.
        check_undefined_grad: of several outputs, check that a missing gradient counts as zeros.
        seed: of the random directions; a failure names it.
        directions: how many pairs of directions are tried for each input.
        name: what messages call the function.
        options: PyTorch's other keywords, with the values that hold here (``fast_mode``, ``check_grad_dtypes``: any).
    Returns:
        True where all agree.
    Raises:
        GradcheckError: they do not; with the input, both values, the element that is furthest off, and how to repeat.
            Or nothing can be told: there is no float output, recording is off, or the values are too large beside
            their changes.
        NotDifferentiableError: a GradcheckError; the point is at a kink or a jump, where no gradient can be checked.
        DTypeError: a checked input is not float64, in which no difference is sharp.
        ArgumentTypeError: no input requires grad, a number of a wrong kind, or a keyword that is not known.
        ParameterError: a step, a tolerance or a number out of range, or an option that is not to be had.

    >>> import minicnn
    >>> x = minicnn.tensor([0.3, -0.7], dtype=minicnn.float64, requires_grad=True)
    >>> gradcheck(minicnn.tanh, x)
    True
    >>> gradcheck(minicnn.nn.Linear(2, 3).double(), x)
    True
    """
    __tracebackhide__ = True  # pytest then shows the line that called
    settings = _settings("gradcheck", eps, atol, rtol, seed, directions, nondet_tol, check_undefined_grad, options)
    return _run("gradcheck", func, inputs, settings, raise_exception, name, 1, None)


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any] = (),
    grad_outputs: Tensor | Sequence[Tensor] | None = None,
    *,
    eps: float = STEP,
    atol: float | None = None,
    rtol: float | None = None,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    seed: int = 0,
    directions: int = 2,
    name: str | None = None,
    **options: Any,
) -> bool:
    """Check the second derivatives of ``func``: `gradcheck` of its gradient, as a function of inputs and cotangents.

    Args:
        grad_outputs: the cotangents, one an output; drawn at random where None.
    The other arguments, results and errors are those of `gradcheck`.

    >>> import minicnn
    >>> x = minicnn.tensor([0.3, -0.7], dtype=minicnn.float64, requires_grad=True)
    >>> gradgradcheck(minicnn.tanh, x)
    True
    """
    __tracebackhide__ = True  # pytest then shows the line that called
    settings = _settings("gradgradcheck", eps, atol, rtol, seed, directions, nondet_tol, check_undefined_grad, options)
    return _run("gradgradcheck", func, inputs, settings, raise_exception, name, 2, grad_outputs)


def _run(
    where: str,
    func: Callable[..., Any],
    inputs: Any,
    settings: Settings,
    raise_exception: bool,
    name: str | None,
    order: int,
    grad_outputs: Any,
) -> bool:
    __tracebackhide__ = True
    if not callable(func):
        got = type(func).__name__
        raise ArgumentTypeError(
            message(where, f"func expects a function, got {got}.", f"func = {func!r}", "pass f, not f(x).")
        )
    default = Settings()
    given = {k: v for k, v in settings._asdict().items() if k == "seed" or v != getattr(default, k)}
    arguments = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    subject = Subject(name or _name(func), func, arguments, lambda: expression(where, func, inputs, given))
    subject.origin = func, inputs
    try:
        with buffers_kept(func):
            subject.add_parameters()
            subject.check()
            if not is_grad_enabled():
                raise _not_recording(subject)
            if order == 2:
                cotangents = [grad_outputs] if isinstance(grad_outputs, Tensor) else grad_outputs
                subject = gradient_of(subject, settings.seed, cotangents)
            judge(subject, settings)
    except GradcheckError as error:
        if raise_exception:
            raise error.with_traceback(None) from error.__cause__
        return False
    return True


def _not_recording(subject: Subject) -> GradcheckError:
    block = "inference_mode" if is_inference_mode_enabled() else "no_grad"
    return subject.failure(
        f"nothing is recorded here, so there is no gradient to check: {block} is on.",
        "backward follows what was recorded",
        f"leave the block `with minicnn.{block}():`",
    )


def _settings(
    where: str,
    eps: float,
    atol: float | None,
    rtol: float | None,
    seed: int,
    directions: int,
    nondet_tol: float,
    check_undefined_grad: bool,
    options: dict[str, Any],
) -> Settings:
    """Return the settings, checked."""
    for key, value in options.items():
        if key not in FIXED:
            raise ArgumentTypeError(
                message(where, f"there is no keyword {key!r}.", f"{key}={value!r}", f"see help(minicnn.{where}).")
            )
        if value not in FIXED[key]:
            raise ParameterError(
                message(
                    where,
                    f"{key}={value!r} is not to be had.",
                    "minicnn differentiates in reverse mode, one cotangent at a time",
                    f"leave {key} out.",
                )
            )
    tolerances = {"nondet_tol": nondet_tol, "atol": 0 if atol is None else atol, "rtol": 0 if rtol is None else rtol}
    numbers: list[tuple[str, Any, type, Callable[[Any], bool], str]] = [
        ("eps", eps, Real, lambda n: 0 < n < 1, "a step above 0 and below 1, such as 1e-6"),
        ("seed", seed, Integral, lambda n: n >= 0, "a whole number of at least 0"),
        ("directions", directions, Integral, lambda n: n >= 1, "a whole number of at least 1"),
        *((key, n, Real, lambda n: n >= 0, "a number of at least 0") for key, n in tolerances.items()),
    ]
    for key, given, kind, good, wanted in numbers:
        right_type = isinstance(given, kind)
        if not right_type or not good(given):
            error = ParameterError if right_type else ArgumentTypeError
            raise error(
                message(where, f"{key} expects {wanted}, got {shown(given)}.", f"{key}={given!r}", f"pass {wanted}.")
            )
    return Settings(eps, atol, rtol, seed, directions, nondet_tol, check_undefined_grad)


def _name(func: Any) -> str:
    owner = getattr(func, "__self__", None)  # MyOp.apply is called MyOp
    return str(getattr(owner if isinstance(owner, type) else func, "__name__", type(func).__name__))
