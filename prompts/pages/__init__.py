"""The pages of prompts: list, editor, one prompt, comparison of versions, labels."""
