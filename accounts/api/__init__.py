"""What every part of the API for programs shares: keys in requests, limits, and the shape of errors."""
