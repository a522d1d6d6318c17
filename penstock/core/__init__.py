"""What every room speaks of and nobody computes with: dtypes, shapes, specs, nests, errors."""
