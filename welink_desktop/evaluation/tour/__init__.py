"""The tour: the main job of the product, done through the real widgets on the real backend, with a picture per step.

`run` prepares surroundings (screen, sound, keyring where there is no desktop) and starts the app twice; `inside` runs in the app
and moves its widgets (`hand`) along the `script`. Only these import Qt.
"""
