"""What every call passes on its way in, and what counts it on its way out."""
