"""What is inside an image: layers, packages, the distribution, waste.

* ``inspect_image(image)``, ``inspect_rootfs(directory)``: read everything once, and say what packages are there.
* ``story(inspection)``: the layers, what each brought and what of it is wasted.

    inspection = inspect_image(open_image("archive:web.tar"))
    for package in inspection.catalogue.packages:
        print(package.purl, package.layer)
"""
