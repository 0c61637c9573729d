"""Settings of this person on this computer: appearance, sound and video, account. Model: core, services; view: model, ui."""
