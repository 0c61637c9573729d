"""Performance figures of the product: `python -m bench [NAME …]`. Never a timed unit test."""
