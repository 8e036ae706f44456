"""Pure functions from arrays to numbers. An undefined figure is None with a reason, never NaN or infinity."""
