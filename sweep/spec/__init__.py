"""The spec of a sweep: the YAML that a person writes, checked and made into typed objects."""
