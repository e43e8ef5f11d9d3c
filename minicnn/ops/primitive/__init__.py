"""Ops whose gradient is written in tensor ops: closed under differentiation, so gradients of any order come free."""
