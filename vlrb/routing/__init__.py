"""Using a trained router: from a run folder and a question to the model that should answer."""
