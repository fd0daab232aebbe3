"""What the reference models learn: data made in code, drawn from a seed, one kind of input a file."""
