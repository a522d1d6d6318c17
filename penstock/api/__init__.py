"""The tf.* namespaces: thin functions that fix arguments and call ops."""
