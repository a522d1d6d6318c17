"""Serving: models on disk, versions, batches and the network protocols of TF Serving."""
