"""PyTorch: a batch of environments that takes and gives tensors."""
