"""What other ways to choose would have been worth, by a log of decisions or where the truth is known."""
