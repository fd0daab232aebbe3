"""The zoo: networks that nobody here wrote and mutants of exact ones, each with its true verdict and the reason for it."""
