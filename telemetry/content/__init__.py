"""What was said in calls: messages that are stored once, and the answers."""
