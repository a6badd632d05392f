"""What looks after an output folder: how it stands, whether it is whole, what nothing needs any more."""
