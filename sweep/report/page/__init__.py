"""The HTML page of a report: an object for each of its sections, and the templates and scripts that show them."""
