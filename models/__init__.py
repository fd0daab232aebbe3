"""Reference models: for each symmetry a plain model that has it, the CLAIMS that say so, and TWINS broken by one mistake."""
