"""AutoGraph: Python control flow over tensors, turned into graph control flow."""
