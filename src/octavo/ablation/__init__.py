"""Which parts of a recipe earn their place: small proxies trained with and without each of them."""
