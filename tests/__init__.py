"""The tests. They are a package, since pgx installs one of this name, which would hide a folder without this file."""
