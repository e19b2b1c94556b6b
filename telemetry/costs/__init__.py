"""What a month has cost, of what, whose, and what it is going to be. All figures come from the rollups."""
