"""What is watched: metrics and traces for others to fetch, and what inputs must be like."""
