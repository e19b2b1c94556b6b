"""Prompts for applications: Langfuse's public API, so that its clients work with another address and key.

Ours are what ``schemas`` marks as such, and that nothing is given in place of a version or label that is missing.
"""
