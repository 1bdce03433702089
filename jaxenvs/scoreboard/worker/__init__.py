"""What verifies the submissions of a server: a worker, which supervises an examiner, a process that computes."""
