"""Sources in, a report out: reading, matching, grouping, ignoring."""
