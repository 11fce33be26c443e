"""What things cost: `make bench` prints the table, each row beside its reference of the same run."""
