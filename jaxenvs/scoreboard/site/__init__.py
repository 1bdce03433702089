"""The site of a scoreboard: pages, API, feeds, and the same as static files."""
