"""Files of a sweep, on a disk or in an object store, and the lease that says who writes them."""
