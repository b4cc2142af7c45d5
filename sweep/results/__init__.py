"""Read what came out of a sweep: ranking, the best generator, fresh seeds, summaries."""
