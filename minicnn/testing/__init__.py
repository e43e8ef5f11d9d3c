"""Checking gradients: `gradcheck` and `gradgradcheck` for any function, and the suite that runs every op."""

from minicnn.testing.gradcheck import GradcheckError, gradcheck, gradgradcheck

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]
