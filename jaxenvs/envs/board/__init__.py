"""Board games, against a built-in opponent or between two players."""
