"""One running sweep: hands out trials, takes in what they report, records it, and says who goes on."""
