"""Every sample in every theme, and the program that draws SVG files (see `rasterise`)."""
