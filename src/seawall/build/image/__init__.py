"""What is inside an image: layers, packages, the distribution, waste."""
