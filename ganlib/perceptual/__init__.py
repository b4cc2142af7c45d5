"""Compare pictures by the feature maps of fixed networks: content, texture, texture without colour."""
