"""What finished pictures measure: the networks that judge, the formulas, and the comparison of pictures."""
