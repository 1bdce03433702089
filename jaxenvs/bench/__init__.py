"""Environment steps a second, side by side with other libraries, each in a process of its own."""
