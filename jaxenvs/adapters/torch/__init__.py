"""PyTorch: a batch of environments that takes and returns tensors."""
