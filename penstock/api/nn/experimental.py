"""`tf.nn.experimental`."""

from penstock.api.nn.dropout import general_dropout, stateless_dropout

__all__ = ["general_dropout", "stateless_dropout"]
