"""What stands behind `penstock serve`: its options, and the file that they may come from."""
