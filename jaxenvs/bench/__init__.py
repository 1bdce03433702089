"""Environment steps per second, compared with other libraries, each in a separate process."""
