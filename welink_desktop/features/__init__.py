"""What a person sees, by product area, each cut into pages (model, view, samples). Imports services, core and ui."""
