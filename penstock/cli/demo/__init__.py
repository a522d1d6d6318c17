"""The demo: one small model on its whole way, from data to a served answer and a report."""
