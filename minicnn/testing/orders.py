"""The suite's gradient checks: first and second order, on the default backend and on the strict namespace."""

from __future__ import annotations

from minicnn.autograd.op import Public
from minicnn.autograd.sample import Sample
from minicnn.backend import use
from minicnn.testing.call import Call, repeat
from minicnn.testing.failures import GradcheckError, NotDifferentiableError
from minicnn.testing.judge import judge
from minicnn.testing.slopes import Settings
from minicnn.testing.subject import Subject, gradient_of


def check_first_order(public: Public, sample: Sample, seed: int) -> float | None:
    """The gradient agrees with finite differences; at a kink (None) it is between the slopes on both sides."""
    subject = _subject(public, sample, seed, 1)
    if subject is None:
        return 0.0
    verdict = judge(subject, Settings(seed=seed, kinks=True))
    return None if verdict.kink else verdict.error


def check_second_order(public: Public, sample: Sample, seed: int) -> float | None:
    """The gradient's own gradient agrees with finite differences; None where the gradient has a kink or a jump."""
    subject = _subject(public, sample, seed, 2)
    if subject is None:
        return 0.0
    second = gradient_of(subject, seed)
    if not second.outputs():
        return 0.0
    try:
        return judge(second, Settings(seed=seed, directions=1, check_undefined_grad=False)).error
    except NotDifferentiableError:
        return None


def check_strict_first(public: Public, sample: Sample, seed: int) -> float | None:
    """`check_first_order` on the strict device namespace."""
    with use("strict"):
        return check_first_order(public, sample, seed)


def check_strict_second(public: Public, sample: Sample, seed: int) -> float | None:
    """`check_second_order` on the strict device namespace."""
    with use("strict"):
        return check_second_order(public, sample, seed)


def _subject(public: Public, sample: Sample, seed: int, order: int) -> Subject | None:
    """Return a sample as a function to check, or None where it has no gradient.

    Raises:
        GradcheckError: it is meant to have one, and nothing was recorded.
    """
    call = Call(public, sample)
    floats = [x for x in call.tensors if x.requires_grad]
    if not floats:
        return None
    recorded = any(y.requires_grad for y in call.run())
    if not recorded:
        if getattr(public.op, "differentiable", True):
            raise GradcheckError(
                f"{public.name}: a differentiable op was not recorded.\n"
                f"  sample {public.name}{sample}\n"
                f"  Fix: its inputs require grad, so its output must too; to repeat: {repeat(public, sample, seed)}"
            )
        return None
    return Subject(f"{public.name}{sample}", call.function, call.tensors, lambda: repeat(public, sample, seed, order))
