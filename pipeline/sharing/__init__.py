"""Who is at work on what: leases, who died over it, and the run that all processes of an output folder are part of."""
