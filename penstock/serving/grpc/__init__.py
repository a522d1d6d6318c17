"""gRPC: an HTTP/2 lane of our own, the same methods on grpcio, and the services."""
