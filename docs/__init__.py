"""The pages of the documentation, and the generator of the site."""
