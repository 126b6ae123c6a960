"""What is known of all runs: their log and its history, the lock, how far one is, and what a dead one left behind."""
