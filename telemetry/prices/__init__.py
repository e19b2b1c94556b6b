"""Prices that administrators set, newer price lists, when models retire, and calls that are priced anew."""
