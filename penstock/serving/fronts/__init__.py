"""Several front processes that speak with clients, and one engine process that computes."""
