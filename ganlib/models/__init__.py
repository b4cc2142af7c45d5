"""The networks. A family is a function ``build(config, size, norm) -> (generator, discriminator)``.

Families are registered by name in `ganlib.config.FAMILIES`.
"""
