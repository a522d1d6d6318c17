"""`tf.graph_util`."""

from penstock.graph.session.importing import import_graph_def as import_graph_def

__all__ = ["import_graph_def"]
