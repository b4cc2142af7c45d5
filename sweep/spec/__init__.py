"""The YAML that a person writes: read, checked, and made into typed objects."""
