"""Places in documents for what benchmarks write."""

import re


def put(text: str, name: str, body: str) -> str:
    """Put a table in its place in a text, between ``<!-- NAME -->`` and ``<!-- end -->``."""
    place = re.compile(rf"<!-- {name} -->\n.*?<!-- end -->", re.DOTALL)
    return place.sub(lambda _: f"<!-- {name} -->\n{body}<!-- end -->", text)
