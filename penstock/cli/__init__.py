"""The command line: `penstock <command>`."""
