"""The first page: how much, how well, how fast and how costly, and since when."""
