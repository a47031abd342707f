"""What things cost: `python -m benchmarks`, by `README.md`."""
