"""What makes the tables of figures, the pages of ids and the rest of the site that is not written by hand."""
