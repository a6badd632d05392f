"""A study night after night: what a night is, what changed from one to the next, and the folder they are kept in."""
