"""Figures of calls by hour and day, so that pages need not read the calls themselves."""
