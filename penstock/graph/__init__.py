"""Graphs: how calls are written down, what is known of their shapes, and the one way to run "
"them."""
