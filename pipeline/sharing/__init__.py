"""Who is at work on what: leases, and the run that all processes of an output folder are part of."""
