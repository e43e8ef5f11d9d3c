"""Checking gradients: `gradcheck`, `gradgradcheck` and `assert_gradients` for any function; the suite of all ops."""

from minicnn.testing.assertion import assert_gradients
from minicnn.testing.gradcheck import GradcheckError, NotDifferentiableError, gradcheck, gradgradcheck

__all__ = ["GradcheckError", "NotDifferentiableError", "assert_gradients", "gradcheck", "gradgradcheck"]
