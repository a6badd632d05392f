"""What a run leaves: cells, targets, records and reports as files that are known by their content."""
