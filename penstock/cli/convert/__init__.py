"""What `penstock convert` turns into what."""
