"""Images in registries, over the distribution API.

    with Repository(parse_image_reference("ghcr.io/team/app:1.4")) as repository:
        manifest = repository.manifest("1.4")

``client`` asks a repository, ``options`` says where it is, ``tokens`` and ``challenge`` who we are to it, ``credentials`` where we know that from.
"""
