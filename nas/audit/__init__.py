"""The audit: how well short runs rank architectures, and which parameter moves the score."""
