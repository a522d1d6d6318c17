"""Values without tensors: dtypes, shapes, specs, nests, errors, device names, flags, metrics."""
