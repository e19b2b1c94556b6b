"""What this server process holds for as long as it lives."""

from inference.runs.active import Runs

runs = Runs()
