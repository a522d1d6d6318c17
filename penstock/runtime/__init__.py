"""Eager tensors, variables, the one door for op calls, and gradients."""
