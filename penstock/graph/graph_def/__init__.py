"""Graphs to and from TensorFlow's messages: GraphDef, FunctionDef, NodeDef."""
