"""`penstock bench`: how much a model server can carry, and how long its answers take."""
