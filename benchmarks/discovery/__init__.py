"""What discovery does with what was measured."""
