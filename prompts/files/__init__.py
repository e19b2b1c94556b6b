"""Prompts as files: written, read and taken over from elsewhere. Pure but for ``transfer`` and ``directory``."""
