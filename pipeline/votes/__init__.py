"""What people say of the pictures of a grid: a page that shows pairs of them blind, and scores from their votes."""
