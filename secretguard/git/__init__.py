"""Reading git: one hostile-proof subprocess, and plain data from what it prints."""
