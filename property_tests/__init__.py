"""The tests. They work symcheck harder than its users do."""
